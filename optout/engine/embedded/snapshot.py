"""A stack's state at one moment, as the checkpoint file holds it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from optout.engine.embedded import resource as resources
from optout.engine.errors import OutOfScopeError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from optout.engine.embedded.passphrase import Crypter
    from optout.engine.embedded.resource import ResourceState

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


@dataclass(frozen=True, slots=True)
class RawCheckpoint:
    """A checkpoint whose secrets are still sealed."""

    resources: tuple[dict[str, Any], ...] = ()
    pending: tuple[dict[str, Any], ...] = ()
    salt: str | None = None

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
        document = json.loads(text)
        version = document.get("version", 0)
        latest = document.get("checkpoint", {}).get("latest") or {}
    except (ValueError, AttributeError):
        raise StateError(f"{path} is not a Pulumi state file: restore it from {path}.bak") from None
    if version not in (CHECKPOINT_VERSION, _LATEST_FEATURED_VERSION):
        raise StateError(f"{path}: checkpoint version {version!r} is not supported")
    if version == _LATEST_FEATURED_VERSION and (features := document.get("features")):
        raise OutOfScopeError(f"the state uses {', '.join(map(str, features))}")
    providers = latest.get("secrets_providers") or {}
    if providers and providers.get("type") != "passphrase":
        raise OutOfScopeError(f"the secrets provider {providers.get('type')}")
    raw = RawCheckpoint(
        tuple(latest.get("resources") or ()),
        tuple(latest.get("pending_operations") or ()),
        (providers.get("state") or {}).get("salt"),
    )
    _check_integrity(raw, path)
    return raw


def _check_integrity(raw: RawCheckpoint, path: str) -> None:
    """Refuse what would be misread: no URN, an unknown provider or a parent that comes later."""
    seen: set[str] = set()
    for item in raw.resources:
        urn = item.get("urn") if isinstance(item, dict) else None
        if not isinstance(urn, str) or urn.count("::") < 3:  # noqa: PLR2004 - the parts of a URN
            raise StateError(f"{path}: a resource without a URN; restore the file from {path}.bak")
        provider = item.get("provider", "").rsplit("::", 1)[0]
        for need in (item.get("parent"), provider, *item.get("dependencies", ())):
            if need and need not in seen:
                raise StateError(f"{path}: {urn} refers to {need}, which does not stand before it")
        if urn in seen and not item.get("delete"):
            raise StateError(f"{path}: {urn} is listed twice")
        if not item.get("delete"):
            seen.add(urn)


def render(stack: str, project: str, snapshot: Snapshot, crypter: Crypter, now: datetime) -> bytes:
    """Write a checkpoint as the official engine does: compact JSON, its order of keys."""
    latest: dict[str, Any] = {
        "manifest": {
            "time": timestamp(now),
            "magic": hashlib.sha256(ENGINE_VERSION.encode()).hexdigest(),
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
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def timestamp(moment: datetime) -> str:
    """Return the moment in UTC as RFC 3339 with trailing zeros of the fraction cut."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"
