"""What the CLI writes on standard error when it gives up, turned into this package's errors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from voiceid_optout.engine.messages import for_people
from voiceid_optout.foreign_text import one_line
from voiceid_optout.state.errors import EngineError, PassphraseError, StackLockedError, StateError
from voiceid_optout.state.passphrase import INCORRECT

if TYPE_CHECKING:
    from voiceid_optout.engine.interface import Request

_LOCK = re.compile(r"file://(?P<path>\S+?)(?:\?\S*)?: created by (?P<holder>.+) at (?P<since>\S+)")
_HOLDER = re.compile(r": created by (?P<holder>.+) at (?P<since>\S+)")
_INTEGRITY = re.compile(r"snapshot integrity failure; refusing to use it: (?P<reason>.+)")
_CRASH = re.compile(r"^panic: (?P<reason>.+)", re.MULTILINE)
_UNREADABLE = (
    "failed to load checkpoint",
    "corrupt store",
    "unsupported checkpoint version",
    "no secrets manager could be found",
    "error: invalid character",  # a lock that is no JSON
)
_FOREIGN_SECRET = ("message authentication failed", "nonce size is incorrect", "failed to decrypt")


def read(stderr: str, request: Request) -> EngineError | None:
    """Return the error the text stands for, or None for one that needs no other words than its own."""
    if "currently locked by" in stderr:
        return _locked(stderr, request)
    if "incorrect passphrase" in stderr:
        return PassphraseError(INCORRECT)
    if "illegal base64 data" in stderr:
        return StateError(
            f"the encryption salt is damaged: restore Pulumi.{request.stack}.yaml or the state from Git or a backup"
        )
    if match := _INTEGRITY.search(stderr):
        return StateError(f"the state is inconsistent ({match['reason'].strip()}): {_remedy(request)}")
    if any(words in stderr for words in _UNREADABLE):
        return StateError(f"the state cannot be read ({reason(stderr)}): {_remedy(request)}")
    if any(words in stderr for words in _FOREIGN_SECRET):
        return PassphraseError(
            f"a secret in Pulumi.{request.stack}.yaml or in the state is damaged, or was encrypted "
            "with another passphrase"
        )
    if "no stack named" in stderr:
        return StateError(f"stack {request.stack} has no state in {request.place}: was it removed just now?")
    if "[409] Conflict" in stderr:
        return StateError(f"another run has changed the stack's state ({reason(stderr)}): run the command again")
    return None


def reason(stderr: str) -> str:
    """Return what the CLI says in one or a few lines, without what it adds for its own developers."""
    if match := _CRASH.search(stderr):
        detail = match["reason"].removeprefix("fatal: An assertion has failed: ")
        return (
            f"the Pulumi CLI crashed ({detail}). It has left its lock: look at the state with "
            "`pulumi stack export`, then run `pulumi cancel`"
        )
    _, found, text = stderr.partition("error: ")
    return for_people(text if found else stderr)


def _locked(stderr: str, request: Request) -> StackLockedError:
    if request.remote_backend:
        holder = _HOLDER.search(stderr)
        by, since = _told(holder) if holder else ("another run", "an unknown time")
        return StackLockedError(by, since, f"the lock in {request.place}")
    match = _LOCK.search(stderr)
    if match is None:
        return StackLockedError("another run", "an unknown time", request.backend / ".pulumi" / "locks")
    return StackLockedError(*_told(match), Path(unquote(match["path"])))


def _told(match: re.Match[str]) -> tuple[str, str]:
    """Return who holds a lock and since when, as the lock's file says it, which may be anything."""
    return one_line(match["holder"], 200), one_line(match["since"], 60)


def _remedy(request: Request) -> str:
    backups = f"{request.place}/.pulumi/backups"
    return f"restore it from {backups} or another backup, or try `pulumi state repair`"
