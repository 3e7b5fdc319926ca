"""A stack's state at one moment, as the checkpoint file holds it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from voiceid_optout.limits import read_json
from voiceid_optout.state import integrity, values
from voiceid_optout.state import resource as resources
from voiceid_optout.state.errors import OutOfScopeError, StateError
from voiceid_optout.state.trust import PROVIDER_KEY, Named

if TYPE_CHECKING:
    from collections.abc import Iterator

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
class Snapshot:
    """Resources in an order where each stands after what it uses."""

    resources: tuple[ResourceState, ...] = ()
    pending: tuple[PendingOperation, ...] = ()

    @property
    def providers(self) -> Iterator[Named]:
        """Every provider that a resource names, in what it was given and in what it gave."""
        for item in (*self.resources, *(one.resource for one in self.pending)):
            for properties in (item.inputs, item.outputs):
                if PROVIDER_KEY in properties:
                    yield Named(item.urn, values.plain_value(properties[PROVIDER_KEY]))

    def upgraded(self, upgrade: Upgrade) -> Snapshot:
        """Return it with each resource as it is written today."""
        return Snapshot(
            tuple(_upgraded(item, upgrade) for item in self.resources),
            tuple(PendingOperation(_upgraded(item.resource, upgrade), item.type) for item in self.pending),
        )


def _upgraded(item: ResourceState, upgrade: Upgrade) -> ResourceState:
    id_, outputs = upgrade(item.type, item.id, item.outputs)
    return item if outputs is item.outputs and id_ == item.id else replace(item, id=id_, outputs=outputs)


@dataclass(frozen=True, slots=True)
class RawCheckpoint:
    """A checkpoint whose secrets are still sealed."""

    resources: tuple[dict[str, Any], ...] = ()
    pending: tuple[dict[str, Any], ...] = ()
    salt: str | None = None

    @property
    def identifiers_in_clear(self) -> int:
        """How many resources have what identifies people in clear."""
        every = (*self.resources, *(item["resource"] for item in self.pending))
        return sum(map(resources.has_identifier_in_clear, every))

    def open(self, decrypt: Callable[[str], str]) -> Snapshot:
        """Return the snapshot with its secrets in clear."""
        return Snapshot(
            tuple(resources.from_json(item, decrypt) for item in self.resources),
            tuple(
                PendingOperation(resources.from_json(item["resource"], decrypt), item["type"])
                for item in self.pending
            ),
        )


def parse(text: bytes, path: str) -> RawCheckpoint:
    """Read a checkpoint's bytes; ``path`` is named in the :class:`StateError` of a bad one."""
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
        raise StateError(f"{path}: checkpoint version {version!r} is not supported")
    if version == _LATEST_FEATURED_VERSION and (features := document.get("features")):
        raise OutOfScopeError(f"the state uses {', '.join(map(str, features))}")
    if providers and kind != "passphrase":
        raise OutOfScopeError(f"the secrets provider {kind}")
    if magic != _magic(str(named)):
        raise StateError(f"{path}: its checksum is not that of its version; restore the file from {path}.bak")
    raw = RawCheckpoint(
        integrity.entries(latest.get("resources"), path),
        integrity.entries(latest.get("pending_operations"), path),
        salt,
    )
    integrity.check(raw.resources, raw.pending, path)
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


def render(stack: str, project: str, snapshot: Snapshot, crypter: Crypter, now: datetime) -> bytes:
    """Write a checkpoint as the official engine does: compact JSON, its order of keys."""
    latest: dict[str, Any] = {
        "manifest": {
            "time": timestamp(now),
            "magic": _magic(ENGINE_VERSION),
            "version": ENGINE_VERSION,
        },
        "secrets_providers": {"type": "passphrase", "state": {"salt": crypter.salt_text}},
    }
    if snapshot.resources:
        latest["resources"] = [resources.to_json(item, crypter.encrypt) for item in snapshot.resources]
    if snapshot.pending:
        latest["pending_operations"] = [
            {"resource": resources.to_json(item.resource, crypter.encrypt), "type": item.type}
            for item in snapshot.pending
        ]
    latest["metadata"] = {}
    checkpoint = {"stack": f"organization/{project}/{stack}", "latest": latest}
    document = {"version": CHECKPOINT_VERSION, "checkpoint": checkpoint}
    return values.to_text(document).encode()


def timestamp(moment: datetime) -> str:
    """Return the moment in UTC as RFC 3339 with trailing zeros of the fraction cut."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"
