"""What a plan is made from, and whether it still is that when the plan is done.

Between the two may lie a question that somebody answers after lunch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.register.discover import discover
from voiceid_optout.state import project as projects
from voiceid_optout.state.backend import Backend

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from voiceid_optout.cli.context import Context


@dataclass(frozen=True, slots=True)
class Basis:
    """Fingerprints: of each file by its name, and of the state."""

    files: Mapping[str, str]
    state: tuple[int, ...] | None

    def require_unchanged(self, context: Context) -> None:
        """Raise :class:`CommandError`, code STALE, if anything has changed since."""
        now = files_of(context)
        changed = sorted(name for name in {*self.files, *now} if self.files.get(name) != now.get(name))
        if changed:
            raise _stale(changed[0] if len(changed) == 1 else f"{changed[0]} and {len(changed) - 1:,} more")
        if self.state != state_of(context):
            raise _stale("the state, by another run,")


def files_of(context: Context) -> dict[str, str]:
    """Return a fingerprint of each file of the register, and of the stack's config."""
    sources, _ = discover(context.register_folder)
    found = {source.shown: _content(source.path) for source in sources}
    # Only what it configures: a first run adds a salt to the file.
    config = projects.load_stack(context.project, context.stack).config
    found[context.settings.path.name] = json.dumps(config, sort_keys=True, default=str)
    return found


def state_of(context: Context) -> tuple[int, ...] | None:
    """Return what tells one state from the next: every run writes a new file.

    None before the first run, and for a state that is in no folder.
    """
    if context.remote_backend:
        return None
    try:
        found = Backend(context.backend(), context.project.name, context.stack).state_file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""  # the engine's program will say it


def _stale(what: str) -> CommandError:
    return CommandError(
        f"{what} changed after the plan was made; nothing was changed in the service. Run the command again",
        ExitCode.STALE,
    )
