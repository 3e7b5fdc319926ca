"""Since when somebody is listed, and what changed. Git is the real one, in a repository of each test's own."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.evidence.repositories import DOMAIN, START, Repo, block
from voiceid_optout.evidence import git_history
from voiceid_optout.evidence.git_history import Listing, listings
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
    assert since(repo)["c"] == Listing(
        START + 2 * DAY, second, "Ann Author", None, "config/people.yaml:5", Ensure.OPTED_OUT
    )


def test_of_a_merge_it_is_the_merge_and_its_pull_request(repo: Repo) -> None:
    repo.save("config/people.yaml", block("a"))
    repo.git("switch", "-q", "-c", "more")
    repo.save("config/people.yaml", block("a", "b"))
    repo.git("switch", "-q", "main")
    repo.save("README.md", "meanwhile\n")
    merge = repo.merge("more", "Merge pull request #7 from someone/more\n\nAdd one")
    assert since(repo)["b"] == Listing(
        START + 4 * DAY, merge, "Ann Author", 7, "config/people.yaml:4", Ensure.OPTED_OUT
    )


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
    assert (found.commit, found.ensure, found.place) == (released, Ensure.RELEASED, "config/people.yaml:5")


def test_a_version_with_faults_loses_nobody_and_is_told(repo: Repo) -> None:
    first = repo.save("config/people.yaml", block("a"))
    broken = repo.save("config/people.yaml", "speakers: 7\n")
    twice = repo.save("config/people.yaml", block("a", "a"))
    last = repo.save("config/people.yaml", block("a", "b"))
    said: list[str] = []
    assert {one: listing.commit for one, listing in since(repo, said).items()} == {"a": first, "b": last}
    assert said == [git_history._FAULTY.format(commit[:7]) for commit in (broken, twice)]


def test_a_shallow_clone_tells_no_wrong_date(repo: Repo, tmp_path: Path) -> None:
    repo.save("config/people.yaml", block("a"))
    edge = repo.save("config/people.yaml", block("a", "b"))
    last = repo.save("config/people.yaml", block("a", "b", "c"))
    repo.git("clone", "-q", "--depth=2", f"file://{repo.root}", str(tmp_path / "clone"))
    said: list[str] = []
    found = since(Repo(tmp_path / "clone"), said)
    assert {one: listing.commit for one, listing in found.items()} == {"c": last}
    assert said == [git_history._SHALLOW.format(edge[:7])]


def test_who_is_not_committed_yet_has_no_listing(repo: Repo) -> None:
    repo.save("config/people.yaml", block("a"))
    repo.write("config/people.yaml", block("a", "b"))
    assert set(since(repo)) == {"a"}


def test_without_git_or_a_repository_nothing_is_listed_and_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    said: list[str] = []
    assert since(Repo(tmp_path), said) == {}
    assert said == ["no Git history here: since when somebody is listed cannot be told"]
