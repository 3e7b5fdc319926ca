"""The command line: ``optout``. Each command is a module of its own, imported when it is used."""

from __future__ import annotations

from typing import Any

import click

from voiceid_optout.cli import streams
from voiceid_optout.cli.errors import told
from voiceid_optout.cli.lazy import LazyGroup

COMMANDS = (
    *("validate", "add", "release", "adopt"),
    *("preview", "up", "drift", "refresh", "destroy"),
    *("comment", "approved", "issue"),
    *("serve", "env", "doctor", "unlock", "completion"),
)


class _Program(LazyGroup):
    def main(self, *args: Any, **kwargs: Any) -> Any:
        with streams.lasting():
            return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with told():
            return super().invoke(ctx)


@click.group(
    cls=_Program,
    lazy={name: f"voiceid_optout.cli.{name}" for name in COMMANDS},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 116},
)
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
