"""What is read from Git, from real repositories whose commits say all kinds of things."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.evidence.repositories import Repo, block
from tests.tables import each_row
from voiceid_optout.evidence import EvidenceError
from voiceid_optout.evidence.repository import Commit, Repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs Git")
COMMIT = Commit("1" * 40, (), datetime(2026, 1, 1, tzinfo=UTC), "Ann", "")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo").start()


@each_row(
    ("message", "number"),
    [
        ("Merge pull request #7 from someone/more\nAdd one", 7),
        ("Add one (#7)\n", 7),
        ('Revert "Add one (#7)" (#9)\n\nThis reverts it.', 9),
        ('Revert "Add one (#7)"\n', None),
        ("Merge branch 'more' into 'main'\nAdd one\n\nSee merge request group/sub/project!7\n", 7),
        ("See (#7) for more\n", None),
        ("Add one\n\nas in\n(#7)\n", None),
        (f"Add one (#{'9' * 30})\n", None),
    ],
)
def test_a_message_names_the_pull_request(message: str, number: int | None) -> None:
    assert replace(COMMIT, message=message).pull_request == number


def test_what_others_wrote_stays_in_its_field(repo: Repo) -> None:
    """Names and subjects that look like what Git prints between them."""
    repo.write("config/people.yaml", block("a"))
    repo.environment["GIT_AUTHOR_NAME"] = ":100644 100644 \x1b[31m\u202e x"
    subject = f":000000 100644 {'0' * 40} {'1' * 40} A"
    first = repo.commit(f"{subject}\n\n{'2' * 40}\n:100644\x01\n")
    second = repo.save("config/people.yaml", block("a", "b"))
    found = Repository(repo.root, os.environ).changes("--reverse", "HEAD", paths=["config"])
    assert [change.commit.hash for change in found] == [first, second]
    assert [path for change in found for path, _, _ in change.paths] == ["config/people.yaml"] * 2
    assert found[0].commit.message.startswith(subject)
    assert "\x1b[31m\u202e" in found[0].commit.author


def test_a_name_of_a_path_is_no_pattern_and_no_option(repo: Repo) -> None:
    repo.save("config/people.yaml", block("a"))
    repository = Repository(repo.root, os.environ)
    for path in (":(glob)**", "--all", "co*"):
        assert repository.changes("HEAD", paths=[path]) == []


def test_blobs_are_read_one_after_the_other(repo: Repo) -> None:
    text = block("a")
    repo.save("config/people.yaml", text)
    blob, tree = repo.git("rev-parse", "HEAD:config/people.yaml"), repo.git("rev-parse", "HEAD:config")
    with Repository(repo.root, os.environ).blobs() as objects:
        assert [objects.read(one) for one in (blob, tree, "0" * 40, blob)] == [
            text.encode(),
            None,
            None,
            text.encode(),
        ]


def test_git_that_cannot_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"^Git is not on PATH"):
        Repository(tmp_path, {"PATH": str(tmp_path)}).changes("HEAD", paths=["config"])
    broken = tmp_path / "git"
    broken.write_text("#!/nowhere\n", encoding="utf-8")
    broken.chmod(0o755)
    with pytest.raises(EvidenceError, match=r"^Git cannot be started"):
        Repository(tmp_path, {"PATH": str(tmp_path)}).changes("HEAD", paths=["config"])
    assert Repository(tmp_path, {"PATH": str(tmp_path)}).asked("status") == b""


def test_a_time_beyond_the_calendar_is_its_last_second(repo: Repo) -> None:
    repo.write("config/people.yaml", block("a"))
    repo.git("add", "-A")
    tree = repo.git("write-tree")
    who = "Ann <ann@example.org> 999999999999999 +0000"
    text = f"tree {tree}\nauthor {who}\ncommitter {who}\n\nfar away\n".encode()
    repo.git(
        "update-ref", "HEAD", repo.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", text=text)
    )
    (change,) = Repository(repo.root, os.environ).changes("HEAD", paths=["config"])
    assert change.commit.at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
