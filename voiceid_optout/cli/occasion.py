"""What the history keeps of a run: which plan it did, and for which commit."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from voiceid_optout.plan.digest import short

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COMMIT_VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA")
_PATIENCE_SECONDS = 5


def message(purpose: str, digest: str, root: Path, environment: Mapping[str, str]) -> str:
    """Return the message of a run: it names nobody, and leads to the review of what it did."""
    words = f"{purpose}: plan {short(digest)}"
    commit = commit_of(root, environment)
    return f"{words}, commit {commit}" if commit else words


def commit_of(root: Path, environment: Mapping[str, str]) -> str:
    """Return the commit CI works on, or the one that is checked out; empty where there is none."""
    for name in _COMMIT_VARIABLES:
        if found := environment.get(name):
            return found
    git = shutil.which("git", path=environment.get("PATH"))
    if git is None:
        return ""
    try:
        told = subprocess.run(  # noqa: S603 - git from PATH, nothing of anybody's in the arguments
            [git, "rev-parse", "--verify", "HEAD"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""
