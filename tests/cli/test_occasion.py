import subprocess
from pathlib import Path

import pytest

from voiceid_optout.cli import occasion

COMMIT = "1" * 40


@pytest.mark.parametrize("name", ["GITHUB_SHA", "CI_COMMIT_SHA"])
def test_ci_tells_the_commit(tmp_path: Path, name: str) -> None:
    assert occasion.message("up", "abcdef" * 8, tmp_path, {name: COMMIT}) == (
        f"up: plan abcdefabcdefabcdefabcdefabcdefab, commit {COMMIT}"
    )


def test_elsewhere_git_does(tmp_path: Path) -> None:
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        identity = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert occasion.commit_of(tmp_path, {"PATH": "/usr/bin:/bin"}) == head.stdout.strip()


def test_without_a_repository_or_git_there_is_none(tmp_path: Path) -> None:
    assert occasion.message("destroy", "0" * 64, tmp_path, {"PATH": "/usr/bin:/bin"}) == f"destroy: plan {'0' * 32}"
    assert occasion.commit_of(tmp_path, {"PATH": str(tmp_path)}) == ""


def test_a_git_that_cannot_run_is_none(tmp_path: Path) -> None:
    broken = tmp_path / "git"
    broken.write_text("#!/nowhere\n", encoding="utf-8")
    broken.chmod(0o755)
    assert occasion.commit_of(tmp_path, {"PATH": str(tmp_path)}) == ""
