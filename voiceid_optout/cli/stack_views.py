"""What the stacks of a project say about their registers, read without a run: for those who check or edit one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout import config
from voiceid_optout.state import ProjectError, StackError
from voiceid_optout.state.project import read_mapping, refuse_misplaced

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_DIRECTORY = Path("config")


@dataclass(frozen=True, slots=True)
class StackView:
    """What stacks that agree about it say of their register.

    ``stacks`` are their names, none where the project has no stack. ``directory``, or one file, is relative to the
    project.
    """

    stacks: tuple[str, ...]
    domains: Mapping[str, str]
    default_domain: str | None
    directory: Path
    is_sharded: bool = False
    warns_of_contacts: bool = True


def views_of(root: Path, stack: str | None) -> list[StackView]:
    """Return what a stack says, or all stacks of the project, each for itself, if None is named.

    Raises click.UsageError for a stack file that is not there or has a setting that is none. A stack that declares
    nothing but guardrails has no register.
    """
    prefix = _project_name(root)
    files = sorted(root.glob("Pulumi.*.yaml")) if stack is None else [root / f"Pulumi.{stack}.yaml"]
    views: list[StackView] = []
    for file in files:
        settings = _settings(file, prefix)
        _require_sound(root, file.name[7:-5])
        if stack is None and settings.guardrails is config.Guardrails.ONLY:
            continue
        name, said = file.name[7:-5], _register_of(settings)
        at = next((number for number, view in enumerate(views) if said == _said(view)), None)
        if at is None:
            views.append(StackView((name,), *said))
        else:
            views[at] = StackView((*views[at].stacks, name), *said)
    return views or [StackView((), {}, None, DEFAULT_DIRECTORY)]


def _require_sound(root: Path, stack: str) -> None:
    """Raise click.UsageError for a stack's file that contradicts itself: no other command would take it either."""
    from voiceid_optout.cli import context as contexts  # noqa: PLC0415 - not for --help
    from voiceid_optout.cli.errors import CommandError  # noqa: PLC0415

    try:
        with suppress(StackError):  # what keeps a run from beginning has nothing to do with the register
            contexts.find(root, stack)
    except CommandError as error:
        raise click.UsageError(str(error)) from None


_Said = tuple["Mapping[str, str]", "str | None", Path, bool, bool]


def _said(view: StackView) -> _Said:
    return view.domains, view.default_domain, view.directory, view.is_sharded, view.warns_of_contacts


def _register_of(settings: config.Config) -> _Said:
    return (
        settings.domains,
        settings.domain,
        Path(settings.register),
        settings.grouping is config.Grouping.SHARDED,
        settings.contact_warnings,
    )


def _settings(file: Path, prefix: str) -> config.Config:
    """Return the settings of a stack's file."""
    content = _mapping(file)
    if content is None:
        raise click.UsageError(f"no {file.name} here: name another --stack, or run in the project")
    given = content.get("config") or {}
    if not isinstance(given, dict):
        raise click.UsageError(f"{file.name}: not a Pulumi stack file")
    try:
        return config.read({str(key): value for key, value in given.items()}, prefix)
    except config.ConfigInvalid as error:
        raise click.UsageError("\n".join(f"{file.name}: {fault}" for fault in error.faults)) from None


def _project_name(root: Path) -> str:
    """Return the prefix of the settings; ours for a register without a project."""
    file = root / "Pulumi.yaml"
    content = _mapping(file)
    try:
        refuse_misplaced(file, content or {})
    except ProjectError as error:
        raise click.UsageError(str(error)) from None
    name = config.PREFIX if content is None else content.get("name")
    if not isinstance(name, str):
        raise click.UsageError("Pulumi.yaml: `name` is missing")
    return name


def _mapping(file: Path) -> Mapping[str, Any] | None:
    """Return a file's document; None if there is no file."""
    try:
        return read_mapping(file)
    except ProjectError as error:
        raise click.UsageError(str(error)) from None
