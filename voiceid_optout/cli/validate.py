"""``optout validate``: say everything that is wrong with a register, and where."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from voiceid_optout.cli import scale
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.options import stack_name
from voiceid_optout.engine.errors import ProjectError
from voiceid_optout.engine.project import read_mapping
from voiceid_optout.limits import read_json
from voiceid_optout.register import Fault, Register, RegisterInvalid, load_paths
from voiceid_optout.register.report import as_json as json_of
from voiceid_optout.register.report import github, summary
from voiceid_optout.register.schema import schema_text

DEFAULT_DIRECTORY = Path("config")
NAMESPACE = "voiceid-optout"


@dataclass(frozen=True, slots=True)
class StackView:
    """What a stack says about its register; ``directory`` is relative to the project."""

    domains: Mapping[str, str]
    default_domain: str | None
    directory: Path
    is_sharded: bool = False


@click.command(name="validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--cwd",
    "root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="The project's folder, the one with Pulumi.yaml.  [default: here]",
)
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
    help="Take domain aliases and the default domain from Pulumi.<stack>.yaml. "
    "Without it, whatever any stack of the project defines will do.",
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

    All files given make one register. Every fault is shown as file:line:column: code: message; no identifier
    is ever printed. docs/register.md says what each code means. Nothing is sent anywhere.

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
        click.echo(schema_text(), nl=False)
        return
    if paths and config_dir is not None:
        raise click.UsageError("give either PATHS or --config-dir")
    form = "json" if as_json else form
    view = view_of(root, stack)
    chosen = [(path, _prefix(path)) for path in paths or (root / (config_dir or view.directory),)]
    try:
        register = load_paths(chosen, domains=view.domains, default_domain=view.default_domain)
    except RegisterInvalid as error:
        _show(error.faults, form)
        sys.exit(ExitCode.REGISTER_INVALID)
    _show(register, form)
    if note := scale.advice(len(register.entries), sharded=view.is_sharded):
        click.echo(f"note: {note}", err=True)


def view_of(project_dir: Path, stack: str | None) -> StackView:
    """Return what a stack says; what all stacks together say if None is named (the first to say it wins)."""
    files = sorted(project_dir.glob(f"Pulumi.{stack or '*'}.yaml"))
    if stack and not files:
        raise click.UsageError(f"no Pulumi.{stack}.yaml here: name another --stack, or run in the project")
    domains: dict[str, str] = {}
    default_domain: str | None = None
    directory: str | None = None
    grouping: str | None = None
    for file in files:
        config = _stack_config(file)
        found = config.get(f"{NAMESPACE}:domains") or {}
        if isinstance(found, str):
            found = _json_object(found)
        if not isinstance(found, dict):
            raise click.UsageError(f"{file.name}: {NAMESPACE}:domains is no mapping of aliases to domain ids")
        domains = {str(alias): str(domain_id) for alias, domain_id in found.items()} | domains
        default_domain = default_domain or _text(config, "domain")
        directory = directory or _text(config, "register")
        grouping = grouping or _text(config, "grouping")
    folder = DEFAULT_DIRECTORY if directory is None else Path(directory)
    return StackView(domains, default_domain, folder, grouping == "sharded")


def _text(config: Mapping[str, Any], key: str) -> str | None:
    value = config.get(f"{NAMESPACE}:{key}")
    return None if value is None else str(value)


def _json_object(text: str) -> Any:
    """Read an object that was set without ``--path``: Pulumi keeps it as JSON text."""
    try:
        return read_json(text)
    except ValueError:
        return None


def _stack_config(file: Path) -> Mapping[str, Any]:
    try:
        return dict((read_mapping(file) or {}).get("config") or {})
    except ProjectError as error:
        raise click.UsageError(str(error)) from None
    except (ValueError, TypeError):
        raise click.UsageError(f"{file.name}: not a Pulumi stack file") from None


def _prefix(path: Path) -> Path:
    """Show files as people see them from where they are: relative if below, else as they were named."""
    folder = path if path.is_dir() else path.parent
    if folder.is_absolute() and folder.is_relative_to(Path.cwd()):
        return folder.relative_to(Path.cwd())
    return folder


def _show(verdict: Register | tuple[Fault, ...], form: str) -> None:
    faults = verdict if isinstance(verdict, tuple) else ()
    if form == "json":
        click.echo(json_of(verdict))
        return
    if form == "github":
        for line in github(faults):
            click.echo(line)
    else:
        _show_text(faults)
    click.echo(summary(verdict), err=True)


def _show_text(faults: tuple[Fault, ...]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for fault in faults:
        if console.is_terminal:
            place, code = (str(fault.location), "bold"), (fault.code.value, "red")
            console.print(Text.assemble(place, ": ", code, ": ", fault.message))
        else:
            click.echo(str(fault))
