"""The record of a run, as ``pulumi stack history`` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.state.project import StackConfig


def record(
    kind: str,
    message: str,
    config: StackConfig,
    sealed: Mapping[str, str],
    counts: Mapping[str, int],
    times: tuple[int, int],
    *,
    succeeded: bool,
) -> dict[str, Any]:
    """Return the record.

    ``kind`` is ``update``, ``refresh`` or ``destroy``; ``sealed`` holds the ciphertexts of secret config, ``times``
    are Unix seconds.
    """
    return {
        "kind": kind,
        "startTime": times[0],
        "message": message,
        "environment": {"exec.kind": "optout"},
        "config": {
            key: {"secure": sealed[key]} if key in config.secret_keys else value
            for key, value in config.values.items()
        },
        "version": 0,
        "result": "succeeded" if succeeded else "failed",
        "endTime": times[1],
        "resourceChanges": {kind: count for kind, count in sorted(counts.items()) if count} or None,
    }
