"""The one client of a plugin process.

An engine may hold several providers in a process, old and new pickles among them. They share what counts
against the quotas of the account.
"""

from __future__ import annotations  # an annotation that is evaluated would load botocore

import os
import sys
import threading
from typing import TYPE_CHECKING

from voiceid_optout import voiceid
from voiceid_optout.providers.crew import Crew
from voiceid_optout.voiceid.waits import announce

if TYPE_CHECKING:
    from pulumi.dynamic import Config

_SETTINGS = (*voiceid.STACK_CONFIG, *voiceid.AWS_CONFIG)


class Runtime:
    """A client and its snapshots, made when first needed; thread-safe."""

    def __init__(self, settings: voiceid.ClientSettings) -> None:
        self.crew = Crew(settings.connections)  # starts no thread before a shard needs one
        self._settings = settings
        self._lock = threading.Lock()
        self._client: voiceid.Client | None = None
        self._snapshots: dict[str, voiceid.Snapshot] = {}

    def snapshot(self, domain_id: str) -> voiceid.Snapshot:
        """Return the snapshot of a domain."""
        with self._lock:
            if self._client is None:
                self._client = voiceid.Client(self._settings, on_wait=say_wait)
            if domain_id not in self._snapshots:
                self._snapshots[domain_id] = voiceid.Snapshot(self._client, domain_id)
            return self._snapshots[domain_id]


_runtimes: dict[voiceid.ClientSettings, Runtime] = {}
_lock = threading.Lock()


def runtime_for(settings: voiceid.ClientSettings) -> Runtime:
    """Return the runtime of this process for these settings."""
    with _lock:
        return _runtimes.setdefault(settings, Runtime(settings))


def configured(config: Config) -> Runtime:
    """Return the runtime for a stack's config, all text. Raises SettingsInvalid."""
    settings = {key: value for key in _SETTINGS if (value := config.get(key))}
    return runtime_for(voiceid.ClientSettings.resolve(settings, os.environ))


def say_wait(operation: str, seconds: float) -> None:
    """Say that a call waits; a plugin's lines appear as messages of the engine."""
    sys.stderr.write(f"{announce(operation, seconds)}\n")
    sys.stderr.flush()
