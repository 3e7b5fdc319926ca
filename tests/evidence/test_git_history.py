"""Since when somebody is listed, and what changed. Git is the real one, in a repository of each test's own."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.evidence.repositories import DOMAIN, START, Repo, block
from voiceid_optout.evidence import versions
from voiceid_optout.evidence.git_history import Event, Kind, Listing, histories, listings
from voiceid_optout.speakers import Ensure

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs Git")
DAY = timedelta(days=1)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo").start()


def since(repo: Repo, said: list[str] | None = None) -> dict[str, Listing]:
    found = listings(
        repo.root, repo.register(), domains={}, default_domain=DOMAIN, say=(said if said is not None else []).append
    )
    return {speaker_id: listing for (_, speaker_id), listing in found.items()}


def commits(repo: Repo) -> dict[str, str]:
    return {speaker_id: listing.commit for speaker_id, listing in since(repo).items()}


def test_somebody_is_listed_since_the_commit_that_brought_them(repo: Repo) -> None:
    first = repo.save("config/people.yaml", block("a", "b"))
    second = repo.save("config/people.yaml", block("a", "b", "c"))
    repo.save("README.md", "not about the register\n")
    assert commits(repo) == {"a": first, "b": first, "c": second}
    assert since(repo)["c"] == Listing(START + 2 * DAY, second, "Ann Author", None, Ensure.OPTED_OUT)


def test_of_a_merge_it_is_the_merge_and_its_pull_request(repo: Repo) -> None:
    repo.save("config/people.yaml", block("a"))
    repo.git("switch", "-q", "-c", "more")
    repo.save("config/people.yaml", block("a", "b"))
    repo.git("switch", "-q", "main")
    repo.save("README.md", "meanwhile\n")
    merge = repo.merge("more", "Merge pull request #7 from someone/more\n\nAdd one")
    assert since(repo)["b"] == Listing(START + 4 * DAY, merge, "Ann Author", 7, Ensure.OPTED_OUT)


def test_who_stays_in_the_register_stays_listed(repo: Repo) -> None:
    first = repo.save("config/people.yaml", block("a", "b", "c"))
    repo.git("mv", "config/people.yaml", "config/callers.yml")
    repo.commit("rename the file")
    repo.write("config/callers.yml", block("a"))
    repo.save("config/more.yaml", block("b", "c"), "move two")
    repo.save("config/more.yaml", f"domain: {DOMAIN}\nspeakers: [c, b]\n", "as a bracketed list")
    repo.git("mv", "config", "lists")
    repo.commit("another folder")
    repo.git("mv", "lists", "config")
    repo.commit("and back")
    assert commits(repo) == {"a": first, "b": first, "c": first}


def test_who_comes_back_is_listed_since_then(repo: Repo) -> None:
    repo.save("config/people.yaml", block("a", "b"))
    repo.save("config/people.yaml", block("a"))
    again = repo.save("config/people.yaml", block("a", "b"))
    assert commits(repo)["b"] == again


def test_who_is_released_is_listed_as_released_since_then(repo: Repo) -> None:
    repo.save("config/people.yaml", block("a", "b"))
    released = repo.save("config/people.yaml", block("a", released=("b",)))
    found = since(repo)["b"]
    assert (found.commit, found.ensure) == (released, Ensure.RELEASED)


def test_a_version_with_faults_loses_nobody_and_is_told(repo: Repo) -> None:
    first = repo.save("config/people.yaml", block("a"))
    broken = repo.save("config/people.yaml", "speakers: 7\n")
    twice = repo.save("config/people.yaml", block("a", "a"))
    last = repo.save("config/people.yaml", block("a", "b"))
    said: list[str] = []
    assert {one: listing.commit for one, listing in since(repo, said).items()} == {"a": first, "b": last}
    assert said == [versions._FAULTY.format(commit[:7]) for commit in (broken, twice)]


def test_a_shallow_clone_tells_no_wrong_date(repo: Repo, tmp_path: Path) -> None:
    repo.save("config/people.yaml", block("a"))
    edge = repo.save("config/people.yaml", block("a", "b"))
    last = repo.save("config/people.yaml", block("a", "b", "c"))
    repo.git("clone", "-q", "--depth=2", f"file://{repo.root}", str(tmp_path / "clone"))
    said: list[str] = []
    found = since(Repo(tmp_path / "clone"), said)
    assert {one: listing.commit for one, listing in found.items()} == {"c": last}
    assert said == [versions._SHALLOW.format(edge[:7])]


def test_a_partial_clone_fetches_nothing_and_tells_no_wrong_date(repo: Repo, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    lacking = [repo.save("config/people.yaml", block(*people)) for people in (["a"], ["a", "b"])]
    last = repo.save("config/people.yaml", block("a", "b", "c"))
    again = repo.save("config/people.yaml", block("a", "b", "c", "d"))
    clone = Repo(tmp_path / "clone")
    repo.git("clone", "-q", "--filter=blob:none", f"file://{repo.root}", str(clone.root))
    clone.git("show", f"{last}:config/people.yaml")  # this one is fetched by hand
    said: list[str] = []
    assert {one: listing.commit for one, listing in since(clone, said).items()} == {"d": again}
    assert said == [versions._MISSING.format(commit[:7]) for commit in lacking]


def test_a_register_that_was_elsewhere_is_followed(repo: Repo) -> None:
    """From one file to a folder, and with all of the project into a folder of a larger repository."""
    first = repo.save("people.yaml", block("a", "b"))
    (repo.root / "config").mkdir()
    repo.git("mv", "people.yaml", "config/people.yaml")
    repo.commit("a folder of its own")
    repo.git("mv", "config/people.yaml", "config/callers.yaml")
    repo.save("config/more.yaml", block("c"))
    (repo.root / "optouts").mkdir()
    repo.git("mv", "config", "optouts/config")
    repo.commit("into a larger repository")
    found = listings(repo.root / "optouts", repo.root / "optouts" / "config", domains={}, default_domain=DOMAIN)
    assert {one: listing.commit == first for (_, one), listing in found.items()} == {
        "a": True,
        "b": True,
        "c": False,
    }


def test_a_rebased_branch_counts_by_its_merge(repo: Repo) -> None:
    repo.save("config/people.yaml", block("a"))
    repo.git("switch", "-q", "-c", "more")
    repo.save("config/more.yaml", block("b"))
    repo.git("switch", "-q", "main")
    for _ in range(3):
        repo.save("README.md", f"{repo.clock}\n")
    repo.git("switch", "-q", "more")
    repo.git("rebase", "-q", "main")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--ff-only", "more")  # no merge commit: the rebased one itself is on the line
    (event,) = told(repo, "b")
    assert (event.merge.hash, event.commit.hash, event.merge.at) == (repo.head(), repo.head(), repo.clock)


def test_a_domain_s_alias_is_what_the_stack_calls_so_today(repo: Repo) -> None:
    repo.save("config/people.yaml", block("a", domain="main"))
    renamed = repo.save("config/people.yaml", block("a", domain="branch"))
    said: list[str] = []
    found = listings(repo.root, repo.register(), domains={"branch": DOMAIN}, default_domain=None, say=said.append)
    assert [listing.commit for listing in found.values()] == [renamed]
    assert "a domain that is not known today" in said[0]
    both = listings(repo.root, repo.register(), domains={"branch": DOMAIN, "main": DOMAIN}, default_domain=None)
    assert [listing.commit for listing in both.values()] != [renamed]


def test_who_is_not_committed_yet_has_no_listing(repo: Repo) -> None:
    repo.save("config/people.yaml", block("a"))
    repo.write("config/people.yaml", block("a", "b"))
    assert set(since(repo)) == {"a"}


def told(repo: Repo, speaker_id: str) -> list[Event]:
    found = histories(
        repo.root, repo.register(), lambda person: person[1] == speaker_id, domains={}, default_domain=DOMAIN
    )
    assert set(found) <= {(DOMAIN, speaker_id)}
    return [event for history in found.values() for event in history.events]


def short(events: list[Event]) -> list[tuple[str, str, str, str | None, str | None]]:
    return [(one.kind.value, one.merge.hash, one.commit.hash, one.before, one.after) for one in events]


def test_every_change_that_concerned_somebody_is_told_in_order(repo: Repo) -> None:
    listed = repo.save("config/people.yaml", block("a", "b"))
    repo.save("config/people.yaml", block("a", "c", "b"))  # another line is no move
    repo.write("config/people.yaml", block("a", "c"))
    moved = repo.save("config/more.yaml", block("b"))
    edited = repo.save("config/more.yaml", block("b\n    ticket: PRIV-7").replace("- b", "- id: b"))
    released = repo.save("config/more.yaml", block(released=("b",)))
    again = repo.save("config/more.yaml", block("b"))
    out = repo.save("config/more.yaml", block())
    assert short(told(repo, "b")) == [
        ("listed", listed, listed, None, "config/people.yaml:4"),
        ("moved", moved, moved, "config/people.yaml:5", "config/more.yaml:3"),
        ("evidence edited", edited, edited, "config/more.yaml:3", "config/more.yaml:3"),
        ("released", released, released, "config/more.yaml:3", "config/more.yaml:4"),
        ("listed again", again, again, "config/more.yaml:4", "config/more.yaml:3"),
        ("taken out", out, out, "config/more.yaml:3", None),
    ]
    assert told(repo, "b")[2].edited == ("ticket",)
    assert told(repo, "nobody") == []


def test_of_a_merge_the_commit_that_made_the_change_is_told_too(repo: Repo) -> None:
    repo.save("config/people.yaml", block("a"))
    repo.git("switch", "-q", "-c", "more")
    repo.environment["GIT_AUTHOR_NAME"] = "Bob"
    made = repo.save("config/people.yaml", block("a", "b"))
    repo.save("config/people.yaml", block("a", "b", "c"))
    repo.git("mv", "config/people.yaml", "config/callers.yaml")
    renamed = repo.commit("rename")
    repo.git("switch", "-q", "main")
    repo.save("README.md", "meanwhile\n")
    merge = repo.merge("more", "Add people (#12)")
    assert short(told(repo, "b")) == [("listed", merge, made, None, "config/callers.yaml:4")]
    (event,) = told(repo, "b")
    assert (event.commit.author, event.merge.pull_request, event.kind) == ("Bob", 12, Kind.LISTED)
    assert short(told(repo, "a"))[1:] == [
        ("moved", merge, renamed, "config/people.yaml:3", "config/callers.yaml:3")
    ]


def test_a_commit_of_the_branch_that_does_not_concern_somebody_is_not_named(repo: Repo) -> None:
    repo.save("config/people.yaml", block("a", "b"))
    repo.git("switch", "-q", "-c", "less")
    made = repo.save("config/people.yaml", block("a"))
    repo.save("config/people.yaml", block("a", "c"))
    repo.save("config/other.yaml", "speakers: 7\n")
    repo.git("rm", "-q", "config/other.yaml")
    repo.commit("take out what had a fault")
    repo.git("switch", "-q", "main")
    merge = repo.merge("less", "Merge pull request #3 from someone/less")
    assert short(told(repo, "b"))[1:] == [("taken out", merge, made, "config/people.yaml:4", None)]


def test_a_merge_of_three_and_a_merge_that_adds_by_itself(repo: Repo) -> None:
    repo.save("config/people.yaml", block("a"))
    made = {}
    for branch in ("b", "c"):
        repo.git("switch", "-q", "-c", f"add-{branch}", "main")
        made[branch] = repo.save(f"config/{branch}.yaml", block(branch))
    repo.git("switch", "-q", "main")
    repo.save("README.md", "meanwhile\n")
    three = repo.merge("add-b", "both", "add-c")
    assert [short(told(repo, one)) for one in ("b", "c")] == [
        [("listed", three, made[one], None, f"config/{one}.yaml:3")] for one in ("b", "c")
    ]
    repo.git("switch", "-q", "-c", "empty")
    repo.save("NOTES.md", "nothing\n")
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-commit", "empty")
    by_hand = repo.save("config/d.yaml", block("d"), "merge by hand")
    assert short(told(repo, "d")) == [("listed", by_hand, by_hand, None, "config/d.yaml:3")]


def test_in_a_shallow_clone_somebody_is_found_and_not_listed(repo: Repo, tmp_path: Path) -> None:
    repo.save("config/people.yaml", block("a"))
    edge = repo.save("config/people.yaml", block("a", "b"))
    out = repo.save("config/people.yaml", block("b"))
    repo.git("clone", "-q", "--depth=2", f"file://{repo.root}", str(tmp_path / "clone"))
    assert [(event.kind, event.merge.hash) for event in told(Repo(tmp_path / "clone"), "a")] == [
        (Kind.FOUND, edge),
        (Kind.TAKEN_OUT, out),
    ]


def test_without_git_or_a_repository_nothing_is_listed_and_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    said: list[str] = []
    assert since(Repo(tmp_path), said) == {}
    assert said == ["no Git history here: since when somebody is listed cannot be told"]
