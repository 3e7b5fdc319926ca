"""Where a reviewer finds a line of the register: its address on GitHub or GitLab, at one commit.

There is an address only where CI names the repository, the checkout says that it is a clone of that one, and the
register's files are as committed. Otherwise a link would lead to another line, or to nothing.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from voiceid_optout.evidence.repository import Repository
from voiceid_optout.register.sources import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voiceid_optout.cli.context import Context

_WEB = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/[A-Za-z0-9._~-]+)*")
_NAME = re.compile(r"[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)+")
_OID = re.compile(r"# branch\.oid ([0-9a-f]{40}|[0-9a-f]{64})")
_LONGEST = 300  # characters: a comment has room for hundreds of rows
_NOT_AS_IT_IS = ("…", "\\")  # in a name that was masked or escaped


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of lines. ``blob`` is what comes before a commit, ``folder`` lies above the register's names.

    ``commit`` is the one whose register is read, empty where its files have been changed since.
    """

    blob: str
    folder: str
    commit: str

    def to(self, place: str, commit: str | None = None) -> str:
        """Return the address of ``file:line`` at a commit, the present one unless given; empty where there is none.

        It holds only characters that mean nothing in Markdown or in an attribute.
        """
        at = self.commit if commit is None else commit
        file, _, line = place.rpartition(":")
        path = f"{self.folder}/{file}" if self.folder else file
        if not at or not file or not (line.isascii() and line.isdecimal()):
            return ""
        if any(mark in path for mark in _NOT_AS_IT_IS) or {"", ".", ".."} & set(path.split("/")):
            return ""
        address = f"{self.blob}/{at}/{quote(path, safe='/')}#L{line}"
        return address if len(address) <= _LONGEST else ""


def find(context: Context, mask: Callable[[str], str]) -> Links | None:
    """Return the addresses of the register's lines, None where the repository is not known.

    A name that ``mask`` would change is in no address.
    """
    server, name, blob = _named(context.environment)
    if not _WEB.fullmatch(server) or not _NAME.fullmatch(name):
        return None
    repository = Repository(context.project.root, context.environment)
    top = repository.top()
    origin = os.fsdecode(repository.asked("config", "--get", "remote.origin.url")).strip()
    if top is None or not _is_clone_of(origin, name):
        return None
    register = context.register_folder
    base = (register.parent if register.suffix.lower() in SUFFIXES else register).resolve()
    folder = os.path.relpath(base.parent, top.resolve())
    # A register in the repository's own root has no name there.
    if base == top.resolve() or folder.startswith(".."):
        return None
    folder = "" if folder == "." else folder.replace(os.sep, "/")
    if mask(f"{name} {folder}") != f"{name} {folder}":
        return None
    return Links(
        f"{server}/{name}{blob}", folder, _committed(repository, os.path.relpath(register, context.project.root))
    )


def _named(environment: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the forge, the repository, and what stands between it and a commit."""
    if project := environment.get("CI_PROJECT_URL", ""):
        name = environment.get("CI_PROJECT_PATH", "")
        return project.removesuffix(f"/{name}"), name, "/-/blob"
    return environment.get("GITHUB_SERVER_URL", "").rstrip("/"), environment.get("GITHUB_REPOSITORY", ""), "/blob"


def _is_clone_of(origin: str, name: str) -> bool:
    """Tell whether a remote's address, as URL or as ``host:path``, leads to a repository of that name."""
    try:
        path = urlsplit(origin).path if "://" in origin else origin.rpartition(":")[2]
    except ValueError:
        return False
    return f"/{path.strip('/')}".removesuffix(".git").lower().endswith(f"/{name.lower()}")


def _committed(repository: Repository, path: str) -> str:
    """Return the commit that is checked out, empty where a file below the path is not as it was committed."""
    asked = repository.asked(
        "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--ignored", "--", path
    )
    words = [entry for entry in os.fsdecode(asked).split("\0") if entry]
    found = [oid[1] for word in words if (oid := _OID.fullmatch(word))]
    changed = [word for word in words if not word.startswith("# ")]
    return found[0] if found and not changed else ""
