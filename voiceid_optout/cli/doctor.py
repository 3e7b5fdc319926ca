"""``optout doctor``: look at everything a run needs and say what is wrong."""

from __future__ import annotations

import sys
from typing import Any

import click

from voiceid_optout.cli.errors import reported
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import echo

_MARKS = {"ok": ("ok  ", "green"), "note": ("note", "yellow"), "fail": ("FAIL", "red")}


@click.command(name="doctor", short_help="Check everything that a run needs.")
@with_options(*stack_options, click.option("--json", "as_json", is_flag=True, help="Print one JSON object."))
def command(*, as_json: bool, **choices: Any) -> None:
    """Check everything that a run needs, and say what to do if something is missing.

    This checks Python, the Pulumi CLI, the project and stack files, the register, the passphrase, the state and
    its lock. It says where region, endpoint and credentials come from, and asks the Voice ID endpoint about each
    domain. Nothing is changed.

    \b
    Example
      $ optout doctor --stack production
      ok    register      14 people in 2 files
      FAIL  endpoint      http://127.0.0.1:8099 does not answer ...

    Exit codes: 0 all is well, 1 something is not.
    """  # noqa: D301 - click's own mark for "do not wrap"
    import json  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415 - not for --help
    from rich.text import Text  # noqa: PLC0415

    from voiceid_optout.cli import context as contexts  # noqa: PLC0415
    from voiceid_optout.cli.checkup import examine  # noqa: PLC0415
    from voiceid_optout.foreign_text import printable  # noqa: PLC0415

    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    findings = []
    with reported():
        context = contexts.read(choices["root"], choices["stack"])
        for finding in examine(context):
            findings.append(finding)
            mark, style = _MARKS[finding.verdict]
            console.print(Text.assemble((mark, style), f"  {finding.subject:<12}  {printable(finding.text)}"))
    if as_json:
        rows = [{"subject": item.subject, "verdict": item.verdict, "text": item.text} for item in findings]
        echo(json.dumps({"version": 1, "findings": rows}, indent=2))
    if any(item.verdict == "fail" for item in findings):
        sys.exit(ExitCode.FAILED)
