"""A stack's state at one moment: the checkpoint, how its file is read and written, and which ones are refused.

Refused is what the official engine refuses to work on, and what would be misread here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from voiceid_optout import urn as urns
from voiceid_optout.files import read_json
from voiceid_optout.state import OutOfScope, OutOfScopeError, StateError, values
from voiceid_optout.state import resource as resources
from voiceid_optout.state.trust import PROVIDER_KEY, Named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceid_optout.state.passphrase import Crypter
    from voiceid_optout.state.resource import ResourceState


# Takes type, id and outputs of a resource; returns id and outputs as they are written today.
Upgrade = Callable[[str, str, dict[str, Any]], tuple[str, dict[str, Any]]]

CHECKPOINT_VERSION = 3
_LATEST_FEATURED_VERSION = 4
ENGINE_VERSION = "3.260.0"  # the state format written here is that of this version of the CLI


@dataclass(frozen=True, slots=True)
class PendingOperation:
    """A step that was under way when its run ended: ``type`` is creating, updating or deleting."""

    resource: ResourceState
    type: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Resources in an order where each stands after what it uses, and the steps that nobody saw end.

    It does not change: a step makes another one. Secrets are in clear here and sealed in the file, so it is never
    printed or written but by ``render``. Reading a file that breaks the order, or names a resource twice, raises
    StateError; what wrote it is never guessed at.
    """

    resources: tuple[ResourceState, ...] = ()
    pending: tuple[PendingOperation, ...] = ()

    @property
    def providers(self) -> Iterator[Named]:
        """Every provider that a resource names, in what it was given and in what it gave."""
        for item in (*self.resources, *(one.resource for one in self.pending)):
            for properties in (item.inputs, item.outputs):
                if PROVIDER_KEY in properties:
                    yield Named(item.urn, values.plain_value(properties[PROVIDER_KEY]))

    def upgraded(self, upgrade: Upgrade) -> Checkpoint:
        """Return it with each resource as it is written today."""
        return Checkpoint(
            tuple(_upgraded(item, upgrade) for item in self.resources),
            tuple(PendingOperation(_upgraded(item.resource, upgrade), item.type) for item in self.pending),
        )


def _upgraded(item: ResourceState, upgrade: Upgrade) -> ResourceState:
    id_, outputs = upgrade(item.type, item.id, item.outputs)
    return item if outputs is item.outputs and id_ == item.id else replace(item, id=id_, outputs=outputs)


@dataclass(frozen=True, slots=True)
class SealedCheckpoint:
    """A checkpoint whose secrets are still sealed."""

    resources: tuple[dict[str, Any], ...] = ()
    pending: tuple[dict[str, Any], ...] = ()
    salt: str | None = None

    @property
    def identifiers_in_clear(self) -> int:
        """How many resources have what identifies people in clear."""
        every = (*self.resources, *(item["resource"] for item in self.pending))
        return sum(map(resources.has_identifier_in_clear, every))

    def open(self, decrypt: Callable[[str], str]) -> Checkpoint:
        """Return the checkpoint with its secrets in clear."""
        return Checkpoint(
            tuple(resources.from_json(item, decrypt) for item in self.resources),
            tuple(
                PendingOperation(resources.from_json(item["resource"], decrypt), item["type"])
                for item in self.pending
            ),
        )


def parse(text: str | bytes, path: str) -> SealedCheckpoint:
    """Read a checkpoint's text; ``path`` is named in the :class:`StateError` of a bad one."""
    try:
        document = read_json(text)
        version = document.get("version", 0)
        latest = document.get("checkpoint", {}).get("latest") or {}
        providers = latest.get("secrets_providers") or {}
        manifest = latest.get("manifest") or {}
        kind, salt = providers.get("type"), (providers.get("state") or {}).get("salt")
        named, magic = manifest.get("version") or "", manifest.get("magic") or ""
    except (ValueError, AttributeError):
        raise StateError(f"{path} is not a Pulumi state file: restore it from {path}.bak") from None
    if version not in (CHECKPOINT_VERSION, _LATEST_FEATURED_VERSION):
        told = version if isinstance(version, int) else "unknown"  # a text may be anybody's
        raise StateError(f"{path}: checkpoint version {told} is not supported")
    if version == _LATEST_FEATURED_VERSION and (features := document.get("features")):
        raise OutOfScopeError(OutOfScope.STATE_FEATURES, ", ".join(map(str, features)))
    if providers and kind != "passphrase":
        raise OutOfScopeError(OutOfScope.STATE_SECRETS, str(kind))
    if not isinstance(salt, str | None):
        raise StateError(f"{path}: its salt is no text; restore the file from {path}.bak")
    if magic != _magic(str(named)):
        raise StateError(f"{path}: its checksum is not that of its version; restore the file from {path}.bak")
    raw = SealedCheckpoint(
        _entries(latest.get("resources"), path),
        _entries(latest.get("pending_operations"), path),
        salt,
    )
    _check(raw.resources, raw.pending, path)
    return raw


def upgraded(text: bytes, upgrade: Upgrade) -> bytes | None:
    """Return a checkpoint's bytes with each resource as it is written today; None where nothing is to be done.

    What is secret stays sealed. What cannot be read is left to :func:`parse`.
    """
    changed = False
    try:
        document = read_json(text)
        latest = document["checkpoint"]["latest"]
        pending = [item["resource"] for item in latest.get("pending_operations") or ()]
        for item in [*(latest.get("resources") or ()), *pending]:
            before = item.get("id", ""), item.get("outputs", {})
            id_, outputs = upgrade(item["type"], *before)
            if (id_, outputs) != before:
                item["id"], item["outputs"], changed = id_, outputs, True
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return values.to_text(document).encode() if changed else None


def _magic(version: str) -> str:
    return hashlib.sha256(version.encode()).hexdigest() if version else ""


def render(stack: str, project: str, state: Checkpoint, crypter: Crypter, now: datetime) -> bytes:
    """Return a checkpoint's file in one piece."""
    return b"".join(pieces(stack, project, state, crypter, now))


def pieces(stack: str, project: str, state: Checkpoint, crypter: Crypter, now: datetime) -> Iterator[bytes]:
    """Write a checkpoint as the official engine does, a resource a piece: compact JSON, its order of keys."""
    resources_ = (resources.to_json(item, crypter.encrypt) for item in state.resources)
    pending = (
        {"resource": resources.to_json(item.resource, crypter.encrypt), "type": item.type} for item in state.pending
    )
    lists = {
        **({"resources": resources_} if state.resources else {}),
        **({"pending_operations": pending} if state.pending else {}),
    }
    latest: dict[str, Any] = {
        "manifest": {
            "time": timestamp(now),
            "magic": _magic(ENGINE_VERSION),
            "version": ENGINE_VERSION,
        },
        "secrets_providers": {"type": "passphrase", "state": {"salt": crypter.salt_text}},
        **dict.fromkeys(lists, ()),
        "metadata": {},
    }
    checkpoint = {"stack": f"organization/{project}/{stack}", "latest": latest}
    text = values.to_text({"version": CHECKPOINT_VERSION, "checkpoint": checkpoint})
    for key, items in lists.items():
        # What is within a text cannot be taken for the key: there the quotes have backslashes.
        before, _, after = text.partition(f'"{key}":[]')
        yield f'{before}"{key}":['.encode()
        for number, item in enumerate(items):
            yield f"{',' if number else ''}{values.to_text(item)}".encode()
        text = f"]{after}"
    yield text.encode()


def timestamp(moment: datetime) -> str:
    """Return the moment in UTC as RFC 3339 with trailing zeros of the fraction cut."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"


_URN_SEPARATORS = 3
_SHAPES: dict[str, type] = {
    "inputs": dict,
    "outputs": dict,
    "propertyDependencies": dict,
    "customTimeouts": dict,
    **dict.fromkeys(("dependencies", "initErrors", "additionalSecretOutputs", "aliases"), list),
    **dict.fromkeys(("ignoreChanges", "replaceOnChanges", "hideDiff"), list),
    **dict.fromkeys(("parent", "provider", "id", "type", "deletedWith"), str),
    **dict.fromkeys(("created", "modified", "sourcePosition"), str),
}


def _entries(value: Any, path: str) -> tuple[dict[str, Any], ...]:
    """Return a list of the state file as a tuple; none counts as empty."""
    if value is not None and not isinstance(value, list):
        raise StateError(f"{path}: a list was expected where resources are; {_advice(path)}")
    return tuple(value or ())


def _check(resources: Sequence[Any], pending: Sequence[Any], path: str) -> None:
    """Raise :class:`StateError` for the first fault; ``path`` is the state file's.

    :class:`OutOfScopeError` is raised for a resource of a package that this engine has no plugin for.
    """
    seen: dict[str, str] = {}
    live: set[str] = set()
    for item in resources:
        urn = check_shape(item, path)
        _check_id(item, urn, path)
        _check_references(item, urn, seen, path)
        if urn in live and not item.get("delete"):
            raise StateError(f"{path}: {urn} is listed twice; {_advice(path)}")
        seen[urn] = item.get("id") or ""
        if not item.get("delete"):
            live.add(urn)
    for operation in pending:
        if not isinstance(operation, dict) or not isinstance(operation.get("type"), str):
            raise StateError(f"{path}: a pending operation without a type; {_advice(path)}")
        check_shape(operation.get("resource"), path)


def check_shape(item: Any, path: str) -> str:
    """Return a resource's URN; raise :class:`StateError` where a member is not of its type."""
    urn = item.get("urn") if isinstance(item, dict) else None
    if not isinstance(urn, str) or urn.count("::") < _URN_SEPARATORS:
        raise StateError(f"{path}: a resource without a URN; {_advice(path)}")
    for key, shape in _SHAPES.items():
        if item.get(key) is not None and not isinstance(item[key], shape):
            raise StateError(f"{path}: `{key}` of {urn} is not what it must be; {_advice(path)}")
    for key, lists in (("dependencies", [item.get("dependencies")]), ("propertyDependencies", _by_property(item))):
        if not all(map(_are_texts, lists)):
            raise StateError(f"{path}: `{key}` of {urn} is not what it must be; {_advice(path)}")
    return urn


def _are_texts(given: Any) -> bool:
    return given is None or (isinstance(given, list) and all(isinstance(one, str) for one in given))


def _by_property(item: dict[str, Any]) -> list[Any]:
    return list((item.get("propertyDependencies") or {}).values())


def _check_id(item: dict[str, Any], urn: str, path: str) -> None:
    type_ = urns.type_of(urn)
    package = type_.removeprefix(urns.PROVIDER_TYPE_PREFIX).split(":", 1)[0]
    if item.get("custom") and package != urns.DYNAMIC_PACKAGE:
        raise OutOfScopeError(OutOfScope.STATE_RESOURCE, type_)
    if bool(item.get("custom")) != bool(item.get("id")):
        what = "has no id" if item.get("custom") else "is a component and has an id"
        raise StateError(f"{path}: {urn} {what}; {_advice(path)}")


def _check_references(item: dict[str, Any], urn: str, seen: dict[str, str], path: str) -> None:
    provider, _, provider_id = (item.get("provider") or "").rpartition("::")
    lists = (item.get("dependencies"), *_by_property(item))
    many = (need for one in lists for need in one or ())
    for need in (item.get("parent"), provider, item.get("deletedWith"), *many):
        if need and need not in seen:
            raise StateError(f"{path}: {urn} refers to {need}, which does not stand before it; {_advice(path)}")
    if provider and seen[provider] != provider_id:
        raise StateError(
            f"{path}: {urn} refers to {urns.name(provider)} by an id it does not have; {_advice(path)}"
        )


def _advice(path: str) -> str:
    return f"restore the file from {path}.bak"
