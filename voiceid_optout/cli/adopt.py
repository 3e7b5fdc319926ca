"""``optout adopt``: take over into the register whom the service has opted out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from voiceid_optout.cli.editing import domain_option, dry_run_options, file_option
from voiceid_optout.cli.errors import reported
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import echo

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="adopt", short_help="Add people to the register who are opted out in the service.")
@with_options(
    *stack_options,
    domain_option,
    file_option,
    click.option(
        "--include-enrolled",
        is_flag=True,
        help="List the other speakers too, as comments with their status. A later run renews that list.",
    ),
    *dry_run_options,
)
def command(
    *,
    root: Path,
    stack: str,
    domain: str | None,
    file: Path | None,
    include_enrolled: bool,
    dry_run: bool,
    reveal: bool,
) -> None:
    """Add the people whom the service has opted out to the register.

    This reads the whole domain at the pace of its quota (100,000 people take about 200 seconds) and adds everybody
    who is opted out and not listed yet. Existing entries stay as they are. If no file of that domain exists, one
    is made. An interrupted run continues where it ended. Nothing changes in the service, now or at the next
    `optout up`.

    \b
    Example
      $ optout adopt --stack production --domain main
      Read 4,210 speakers: 1,207 opted out.
      Adopted 1,200 people: config/main.yaml:3 to 1202; 7 were listed already.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 register invalid, 8 another run adopts the same domain.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from rich.console import Console  # noqa: PLC0415 - not for --help

    from voiceid_optout.cli import context as contexts  # noqa: PLC0415
    from voiceid_optout.cli.adoption import Target, read_domain, take_over  # noqa: PLC0415

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with reported():
        context = contexts.find(root, stack)
        target = Target.find(context, domain, file)  # before the long walk: what is wrong is said at once
        with read_domain(context, target.domain_id, console, keep=not dry_run) as pages:
            for line in take_over(target, pages, include_enrolled=include_enrolled, dry_run=dry_run, reveal=reveal):
                echo(line)
