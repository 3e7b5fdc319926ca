"""What the program asks for, which resources a run concerns, and which step each of them needs.

The rules of the steps are the official engine's; all here is pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from voiceid_optout import urn as urns
from voiceid_optout.engine.embedded.transport import from_program
from voiceid_optout.foreign_text import one_line
from voiceid_optout.state import OutOfScope, OutOfScopeError, ProgramError, values
from voiceid_optout.state.resource import ResourceState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from voiceid_optout.engine.embedded.plugin import Diff
    from voiceid_optout.state.values import PropertyMap

# Nanoseconds; Go takes both signs for a millionth.
_UNITS = {
    "ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
}  # fmt: skip
_PART = re.compile(r"(\d*)(?:\.(\d*))?([^\d.]+)", re.ASCII)
_MOST_NANOSECONDS = 2**63 - 1
_MOST_DIGITS = 18  # of a fraction; Go reads no further either
_TIMEOUTS = ("create", "update", "delete")
_NESTED = re.compile(r"[.\[]")

# Fields of a registration that are followed, and those that only say what the SDK can take.
_FOLLOWED = frozenset({
    "type", "name", "parent", "custom", "object", "protect", "dependencies", "propertyDependencies",
    "deleteBeforeReplace", "deleteBeforeReplaceDefined", "ignoreChanges", "additionalSecretOutputs", "aliasURNs",
    "customTimeouts", "replaceOnChanges", "retainOnDelete", "deletedWith", "sourcePosition", "hideDiffs",
    "acceptSecrets", "acceptResources", "supportsPartialValues", "supportsResultReporting", "aliasSpecs",
    "accepts_byte_string", "stackTrace", "parentStackTraceHandle",
})  # fmt: skip
# What the others are refused as; one that is not here is named as it is.
_REFUSED = {
    "provider": OutOfScope.PROVIDER,
    "providers": OutOfScope.PROVIDER,
    "pluginDownloadURL": OutOfScope.PLUGIN_SOURCE,
    "pluginChecksums": OutOfScope.PLUGIN_SOURCE,
    "packageRef": OutOfScope.PACKAGE,
    "importId": OutOfScope.IMPORT,
    "remote": OutOfScope.COMPONENT_REMOTE,
    "transforms": OutOfScope.TRANSFORM,
    "hooks": OutOfScope.HOOK,
    "replace_with": OutOfScope.REPLACEMENT,
    "replacement_trigger": OutOfScope.REPLACEMENT,
    "state_migrations": OutOfScope.STATE_MIGRATION,
}
_INHERITED = {"protect": "protect", "retain_on_delete": "retainOnDelete", "deleted_with": "deletedWith"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A resource as the program wants it."""

    urn: str
    type: str
    custom: bool
    parent: str
    inputs: PropertyMap = field(repr=False)
    aliases: tuple[str, ...] = ()
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    create_before_delete: bool = False  # the program insists on it, whatever the provider says
    unset: frozenset[str] = frozenset()  # options the program leaves to the parent
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    hide_diff: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    deleted_with: str = ""
    source_position: str = ""

    def inheriting(self, parent: Goal | None) -> Goal:
        """Return the goal with the options it leaves to its parent."""
        if parent is None or not self.unset:
            return self
        return replace(self, **{name: getattr(parent, name) for name in self.unset})

    def state(self, inputs: PropertyMap, **known: Any) -> ResourceState:
        """Return the resource's state with this goal's options and the given inputs."""
        return ResourceState(
            urn=self.urn,
            custom=self.custom,
            type=self.type,
            inputs=inputs,
            parent=self.parent,
            protect=self.protect,
            retain_on_delete=self.retain_on_delete,
            ignore_changes=self.ignore_changes,
            replace_on_changes=self.replace_on_changes,
            hide_diff=self.hide_diff,
            additional_secret_outputs=self.additional_secret_outputs,
            dependencies=self.dependencies,
            property_dependencies=self.property_dependencies,
            custom_timeouts=self.custom_timeouts,
            deleted_with=self.deleted_with,
            source_position=self.source_position,
            **known,
        )


def read_goal(request: Any, stack: str, project: str, root: Path) -> Goal:
    """Read a RegisterResourceRequest; raises :class:`OutOfScopeError` for what only the CLI can do."""
    _refuse_out_of_scope(request)
    return Goal(
        urn=urns.make(stack, project, request.parent, request.type, request.name),
        type=request.type,
        custom=request.custom,
        parent=request.parent,
        inputs=from_program(request.object),
        aliases=tuple(request.aliasURNs),
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        delete_before_replace=request.deleteBeforeReplaceDefined and request.deleteBeforeReplace,
        create_before_delete=request.deleteBeforeReplaceDefined and not request.deleteBeforeReplace,
        unset=frozenset(name for name, field_ in _INHERITED.items() if not _is_set(request, field_)),
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        hide_diff=tuple(request.hideDiffs),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        dependencies=tuple(request.dependencies),
        property_dependencies={
            key: list(value.urns) for key, value in sorted(request.propertyDependencies.items())
        },
        custom_timeouts=_timeouts(request),
        deleted_with=request.deletedWith,
        source_position=_position(request.sourcePosition, root),
    )


def _is_set(request: Any, name: str) -> bool:
    return bool(getattr(request, name)) if name == "deletedWith" else bool(request.HasField(name))


def _refuse_out_of_scope(request: Any) -> None:
    package = request.type.split(":", 1)[0]
    if request.custom and package != urns.DYNAMIC_PACKAGE:
        raise OutOfScopeError(OutOfScope.RESOURCE_TYPE, request.type)
    for field_, value in request.ListFields():
        if field_.name in _FOLLOWED or (isinstance(value, Message) and not value.ListFields()):
            continue
        if field_.name == "version":
            raise OutOfScopeError(OutOfScope.VERSION, value, request.type)
        if field_.name in _REFUSED:
            raise OutOfScopeError(_REFUSED[field_.name], request.type)
        raise OutOfScopeError(OutOfScope.OTHER_OPTION, field_.name, request.type)
    if not request.custom and request.object.fields:
        # The CLI keeps resources among them as references, and calls a change of them an update.
        raise OutOfScopeError(OutOfScope.COMPONENT_INPUTS, request.type)
    if not request.custom and request.aliasURNs:
        # Its children need aliases too, which the SDK leaves to the engine.
        raise OutOfScopeError(OutOfScope.COMPONENT_ALIASES, request.type)
    for path in (*request.ignoreChanges, *request.replaceOnChanges, *request.hideDiffs):
        if _NESTED.search(path):
            raise OutOfScopeError(OutOfScope.PROPERTY_PATH, path, request.type)


def _position(position: Any, root: Path) -> str:
    """Return where the program made the resource; a path outside the project stays out of the state."""
    path = position.uri.removeprefix("file://")
    if not path.startswith(f"{root}/"):
        return ""
    return f"project:///{path[len(str(root)) + 1 :]}#{position.line}"


def _timeouts(request: Any) -> dict[str, float]:
    """Return the seconds of each timeout; none stands for no limit, as with the CLI."""
    found = {}
    for field_, text in request.customTimeouts.ListFields():
        if field_.name not in _TIMEOUTS:
            raise OutOfScopeError(OutOfScope.READ_TIMEOUT, request.type)
        try:
            found[field_.name] = values.normal_number(_seconds(text))
        except ValueError as error:
            raise ProgramError(
                f"unable to parse the custom timeout `{field_.name}` of {request.name}: {error}"
            ) from None
    return {key: value for key, value in found.items() if value}


def _seconds(text: str) -> float:
    """Read a duration such as ``5m``, ``-1.5h`` or ``1h30m`` as Go does; raises :class:`ValueError`.

    Source: the documentation of ParseDuration in package time.
    """
    digits = text[1:] if text[:1] in ("+", "-") else text
    if digits == "0":
        return 0.0
    total, end = 0, 0
    while found := _PART.match(digits, end):
        whole, fraction, unit = found.groups()
        if unit not in _UNITS or not (whole or fraction):
            break
        total += int(whole or "0") * _UNITS[unit]
        if fraction := (fraction or "")[:_MOST_DIGITS]:
            total += int(int(fraction) * (_UNITS[unit] / 10 ** len(fraction)))
        end = found.end()
    limit = _MOST_NANOSECONDS + (text[:1] == "-")
    if not end or end < len(digits) or total > limit:
        raise ValueError(f"`{one_line(text, 40)}` is no duration; write it as in `5m` or `1h30m`")
    seconds, rest = divmod(total, 10**9)
    return (seconds + rest / 1e9) * (-1 if text[:1] == "-" else 1)


class ResourceOp(StrEnum):
    """What is done to a resource."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"  # the new one first, the old one at the end of the run
    DELETE_THEN_CREATE = "delete-then-create"


def choose_op(goal: Goal, old: ResourceState, inputs: PropertyMap, diff: Diff) -> ResourceOp:
    """Choose what is done to a resource that exists."""
    changed = diff.changes
    replaces = (bool(diff.replaces) and changed is not False) or old.pending_replacement
    if changed is None:
        different = changed_keys(old.inputs, inputs)
        changed = bool(different)
        replaces = replaces or any(_matches(key, goal.replace_on_changes) for key in different)
    if replaces:
        before = goal.delete_before_replace or (diff.delete_before_replace and not goal.create_before_delete)
        return ResourceOp.DELETE_THEN_CREATE if before else ResourceOp.REPLACE
    return ResourceOp.UPDATE if changed else ResourceOp.SAME


def changed_keys(old: PropertyMap, new: PropertyMap) -> tuple[str, ...]:
    """Return the top-level keys whose values differ, secret or not."""
    return tuple(
        key for key in sorted({*old, *new}) if values.plain_value(old.get(key)) != values.plain_value(new.get(key))
    )


def keep_ignored(goal: Goal, old: ResourceState) -> PropertyMap:
    """Return the goal's inputs with the old value wherever a change is to be ignored."""
    inputs = dict(goal.inputs)
    for key in {*inputs, *old.inputs}:
        if _matches(key, goal.ignore_changes):
            if key in old.inputs:
                inputs[key] = old.inputs[key]
            else:
                inputs.pop(key, None)
    return inputs


def _matches(key: str, patterns: tuple[str, ...]) -> bool:
    return any(pattern in ("*", key) for pattern in patterns)


def is_targeted(urn: str, targets: Sequence[str]) -> bool:
    """Tell whether the run concerns a resource; no targets means all. ``**`` and ``*`` match as in the CLI."""
    return not targets or any(_pattern(target).fullmatch(urn) for target in targets)


@cache
def _pattern(target: str) -> re.Pattern[str]:
    """``**`` stands for anything, ``*`` for anything within one part of a URN."""
    parts = re.split(r"(\*\*|\*)", target)
    return re.compile("".join({"**": ".*", "*": "[^:]*"}.get(part, re.escape(part)) for part in parts), re.DOTALL)


def missing_targets(targets: Sequence[str], known: Iterable[str]) -> list[str]:
    """Return the targets that name a single resource which is nowhere."""
    known = set(known)
    return [target for target in targets if "*" not in target and target not in known]


def missing_target(target: str) -> str:
    """Say that a target is nowhere."""
    return f"the target {target} is neither in the state nor in the program: look at `pulumi stack --show-urns`"
