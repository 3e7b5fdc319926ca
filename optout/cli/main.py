"""The command line: ``optout``. Each command is a module of its own, imported when it is used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from optout.cli.encoding import make_tolerant

COMMANDS = (
    *("validate", "add", "release", "adopt"),
    *("preview", "up", "drift", "refresh", "destroy"),
    *("comment", "approved", "issue"),
    *("serve", "env", "doctor"),
)


class LazyGroup(click.Group):
    """A group whose commands are imported by name, so that ``--help`` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module and return its ``command``."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = import_module(f"optout.cli.{cmd_name}").command
        return found

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, as :meth:`click.Command.main` does."""
        make_tolerant(sys.stdout, sys.stderr)
        return super().main(*args, **kwargs)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 116})
@click.version_option(package_name="voiceid-optout", prog_name="optout")
def main() -> None:
    """Keep people who said so opted out of recognition by voice.

    The register in config/ lists them, and the service is brought to what it says.

    \b
    A first look, in the project's folder:
      $ optout validate        is the register all right?
      $ optout preview         what would change?
      $ optout up              change it
      $ optout drift           does it still hold?

    \b
    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 register invalid, 4 changes planned,
    5 drift, 6 refused by the guard, 7 plan stale, 8 locked, 9 applied in part, 130 ended by a second Ctrl-C.
    """  # noqa: D301 - click's own mark for "do not wrap"
