"""The record of a run, as ``pulumi stack history`` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voiceid_optout.engine.interface import Operation, Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.engine.project import StackConfig

_KINDS = {Operation.UP: "update", Operation.REFRESH: "refresh", Operation.DESTROY: "destroy"}


def record(
    operation: Operation,
    message: str,
    config: StackConfig,
    sealed: Mapping[str, str],
    result: Result,
    counts: Mapping[str, int],
    times: tuple[int, int],
) -> dict[str, Any]:
    """Return the record; ``sealed`` holds the ciphertexts of secret config, ``times`` are Unix seconds."""
    return {
        "kind": _KINDS[operation],
        "startTime": times[0],
        "message": message,
        "environment": {"exec.kind": "optout"},
        "config": {
            key: {"secure": sealed[key]} if key in config.secret_keys else value
            for key, value in config.values.items()
        },
        "version": 0,
        "result": "succeeded" if result is Result.SUCCEEDED else "failed",
        "endTime": times[1],
        "resourceChanges": {kind: count for kind, count in sorted(counts.items()) if count} or None,
    }
