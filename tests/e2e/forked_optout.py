"""``optout`` in a fork: imported once, by the process that forks. See :mod:`tests.e2e.forked`."""

from __future__ import annotations

from importlib import import_module

from tests.e2e import copies
from voiceid_optout.cli.main import main
from voiceid_optout.state import passphrase

__all__ = ["main"]  # what a fork runs

# What the commands import as they go.
for _name in (
    *("connection", "context", "labels", "preview", "register_files", "running", "screen", "serve", "session"),
    *("up", "upkeep", "verdict"),
):
    import_module(f"voiceid_optout.cli.{_name}")
for _name in (
    *("voiceid_optout.engine.embedded.engine", "voiceid_optout.engine.official", "voiceid_optout.plan.render_text"),
    *("voiceid_optout.service.process", "voiceid_optout.service.server", "voiceid_optout.service.http.app"),
    *("uvicorn.protocols.http.h11_impl", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg"),
):
    import_module(_name)
passphrase.open_with(copies.PASSPHRASE, copies.SALT)  # a second of work, kept for all commands of these stacks
