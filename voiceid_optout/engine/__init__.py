"""Which engine runs a command. Each engine's modules are loaded only when it is the one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from voiceid_optout.memory import no_collection
from voiceid_optout.state import StackError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from voiceid_optout.engine.interface import Engine, Request
    from voiceid_optout.state.project import Project, StackConfig

OFFICIAL = "pulumi"
EMBEDDED = "embedded"
AUTO = "auto"


def choose(name: str | None, environment: Mapping[str, str]) -> Engine:
    """Return the engine of that name; None and ``auto`` take the Pulumi CLI where it is on PATH.

    Raises :class:`StackError` for another name, and for ``pulumi`` on a machine without the CLI.
    """
    if name not in (OFFICIAL, EMBEDDED, AUTO, None):
        raise StackError(f"{name!r} is no engine: choose {OFFICIAL}, {EMBEDDED} or {AUTO}")
    command = shutil.which("pulumi", path=environment.get("PATH"))
    if name == OFFICIAL and command is None:
        raise StackError(
            "the Pulumi CLI is not on PATH: install it (https://www.pulumi.com/docs/install/), "
            f"or go without it: --engine {EMBEDDED}"
        )
    if name != EMBEDDED and command is not None:
        with no_collection():
            from voiceid_optout.engine.official import OfficialEngine  # noqa: PLC0415 - only if it is the one

        return OfficialEngine(program_providers)
    with no_collection():
        from voiceid_optout.engine.embedded.engine import EmbeddedEngine  # noqa: PLC0415 - only if it is the one

    return EmbeddedEngine()


def program_providers(request: Request, project: Project, config: StackConfig) -> Collection[str]:
    """Return the texts of the providers that the program sends; the Pulumi CLI has no way to ask for them."""
    from voiceid_optout.engine.embedded import host  # noqa: PLC0415 - few states need it

    return host.program_providers(request, project, config)
