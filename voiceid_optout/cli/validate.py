"""``optout validate``: say everything that is wrong with a register, and where."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from voiceid_optout.cli.editing import warn
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.options import cwd_option, stack_name
from voiceid_optout.cli.output import console_of, echo
from voiceid_optout.cli.register_files import StackView, views_of
from voiceid_optout.foreign_text import printable
from voiceid_optout.register import Entry, Register, load_paths
from voiceid_optout.register.faults import Fault, RegisterInvalid
from voiceid_optout.register.fields import schema_text
from voiceid_optout.register.report import Warned, advice, contacts, github, github_warnings, reviews_past, summary
from voiceid_optout.register.report import as_json as json_of


@click.command(name="validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@cwd_option
@click.option(
    "--config-dir",
    type=click.Path(path_type=Path),
    help="Directory of the register, if no PATHS are given.  [default: what the stack says, else config]",
)
@click.option(
    "-s",
    "--stack",
    envvar="PULUMI_STACK",
    show_envvar=True,
    callback=stack_name,
    help="Check this stack's register, with the aliases and the default domain of Pulumi.<stack>.yaml. "
    "Without it, the register of every stack is checked, each by what its own stack says.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "github", "json"]),
    default="text",
    show_default=True,
    help="text: a line a fault. github: annotations in a workflow. json: one object.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--print-schema", is_flag=True, help="Print the JSON Schema of a register file and do nothing else.")
def command(
    paths: tuple[Path, ...],
    root: Path,
    config_dir: Path | None,
    stack: str | None,
    form: str,
    *,
    as_json: bool,
    print_schema: bool,
) -> None:
    """Check a register: directories of YAML files, or single files.

    All given files make one register. Without any, the registers of all stacks are checked, and a fault that only
    some stacks have names them. Every fault is shown as file:line:column: code: message. No identifier is ever
    printed, and nothing is sent anywhere. docs/register.md explains each code.

    \b
    Example: config/people.yaml
        domain: sandbox
        speakers:
          - caller-000017
          - id: caller-000018
            requested_on: 2026-03-02
            reason: objection by phone
        released:
          - id: caller-000002
            reason: consented again in writing

    \b
    $ optout validate
    ok: 3 people in 1 file, 1 released
    $ optout validate --stack production --format github config

    Exit codes: 0 valid, 2 wrong usage, 3 the register has faults.
    """  # noqa: D301 - click's own mark for "do not wrap"
    if print_schema:
        echo(schema_text(), nl=False)
        return
    if paths and config_dir is not None:
        raise click.UsageError("give either PATHS or --config-dir")
    form = "json" if as_json else form
    views = views_of(root, stack)
    verdicts = list(_verdicts(root, views, [root / config_dir] if config_dir else paths))
    verdict = _combined(verdicts, sum(len(view.stacks) for view in views))
    warnings = _warnings(verdicts)
    _show(verdict, warnings, form)
    if isinstance(verdict, tuple):
        sys.exit(ExitCode.REGISTER_INVALID)
    for view, register in verdicts:
        people = len(register.entries) if isinstance(register, Register) else 0
        if note := advice(people, sharded=view.is_sharded):
            echo(f"note: {note}", err=True)
            break


def _verdicts(
    root: Path, views: Sequence[StackView], paths: Sequence[Path]
) -> Iterator[tuple[StackView, Register | tuple[Fault, ...]]]:
    """Yield what is to be said of the register of each stack, judged by what that stack says about it.

    ``paths`` are what to judge instead, by the stacks whose registers they belong to.
    """
    if not paths:
        yield from ((view, _judged(view, [root / view.directory])) for view in views)
        return
    affected = [view for view in views if any(_overlap(root / view.directory, path) for path in paths)]
    found = [(view, _judged(view, paths)) for view in affected or views]
    # What lies in no stack's register may be meant for any of them: the best verdict counts.
    yield from found if affected else [min(found, key=lambda each: _badness(each[1]))]


def _judged(view: StackView, paths: Sequence[Path]) -> Register | tuple[Fault, ...]:
    chosen = [(path, _prefix(path)) for path in paths]
    try:
        return load_paths(chosen, domains=view.domains, default_domain=view.default_domain)
    except RegisterInvalid as error:
        return error.faults


def _badness(verdict: Register | tuple[Fault, ...]) -> int:
    return len(verdict) if isinstance(verdict, tuple) else 0


def _overlap(one: Path, other: Path) -> bool:
    one, other = one.resolve(), other.resolve()
    return one.is_relative_to(other) or other.is_relative_to(one)


def _combined(
    verdicts: Sequence[tuple[StackView, Register | tuple[Fault, ...]]], stacks: int
) -> Register | tuple[Fault, ...]:
    """Return one verdict: all faults, with the stacks that have them if not all have; or everybody, each once."""
    seen: dict[Fault, list[str]] = {}
    for view, verdict in verdicts:
        for fault in verdict if isinstance(verdict, tuple) else ():
            seen.setdefault(fault, []).extend(view.stacks)
    if seen:
        return tuple(
            fault if len(names) >= stacks else replace(fault, message=f"{fault.message} ({_named(names)})")
            for fault, names in sorted(seen.items())
        )
    files: dict[str, list[Entry]] = {}
    for _, verdict in verdicts:
        if isinstance(verdict, Register):
            new: dict[str, list[Entry]] = {name: [] for name in verdict.files if name not in files}
            for entry in verdict.entries:
                if entry.file in new:
                    new[entry.file].append(entry)
            files |= new
    return Register(tuple(entry for entries in files.values() for entry in entries), tuple(files))


def _named(stacks: Sequence[str]) -> str:
    return f"{'stack' if len(stacks) == 1 else 'stacks'} {', '.join(stacks)}"


def _prefix(path: Path) -> Path:
    """Show files as people see them from where they are: relative if below, else as they were named."""
    folder = path if path.is_dir() else path.parent
    if folder.is_absolute() and folder.is_relative_to(Path.cwd()):
        return folder.relative_to(Path.cwd())
    return folder


def _warnings(verdicts: Sequence[tuple[StackView, Register | tuple[Fault, ...]]]) -> list[Warned]:
    """Return each warning once: reviews that are past, and contact data for stacks that want to hear of it."""
    today = datetime.now(UTC).date()
    found: dict[Warned, None] = {}
    for _, register in verdicts:
        if isinstance(register, Register):
            found |= dict.fromkeys(reviews_past(register.entries, today))
    for view, register in verdicts:
        if isinstance(register, Register) and view.warns_of_contacts:
            found |= dict.fromkeys(contacts(register.entries))
    return list(found)


def _show(verdict: Register | tuple[Fault, ...], warnings: Sequence[Warned], form: str) -> None:
    faults = verdict if isinstance(verdict, tuple) else ()
    if form == "json":
        echo(json_of(verdict, warnings))
        return
    if form == "github":
        for line in (*github(faults), *github_warnings(warnings)):
            # What is foreign in these commands for the runner is escaped.
            click.echo(line)  # noqa: TID251 - see above
    else:
        _show_text(faults)
        warn(warnings)
    echo(summary(verdict), err=True)


def _show_text(faults: tuple[Fault, ...]) -> None:
    console = console_of()
    for fault in faults:
        if console.is_terminal:
            place, code = (printable(str(fault.location)), "bold"), (fault.code.value, "red")
            from rich.text import Text  # noqa: PLC0415 - only there

            console.print(Text.assemble(place, ": ", code, ": ", printable(fault.message)))
        else:
            echo(str(fault))
