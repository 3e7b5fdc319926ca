"""What can go wrong between a command and a finished run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class EngineError(Exception):
    """Root of this package's errors. The message is one sentence or two: what happened, what to do."""


class ProjectError(EngineError):
    """Pulumi.yaml or a stack file is missing or cannot be read."""


class PassphraseError(EngineError):
    """The passphrase that protects the stack's secrets is missing or wrong."""


class StateError(EngineError):
    """The state file cannot be read, is inconsistent, or could not be written."""


class UntrustedStateError(StateError):
    """The state, or a journal, names code that is neither ours nor the program's."""


class OutOfScopeError(EngineError):
    """Something only the Pulumi CLI can do was asked of the embedded engine."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: the embedded engine does not do this; install the Pulumi CLI for it")


class ProgramError(EngineError):
    """The Pulumi program ended with an error; the message is the program's own."""


class InterruptedRunError(EngineError):
    """The run was interrupted; what it had done is kept."""

    def __init__(self) -> None:
        super().__init__("interrupted; what was done is kept")


class PluginError(EngineError):
    """The provider plugin did not start or went away."""


class StackLockedError(EngineError):
    """Another run holds the stack's lock."""

    def __init__(self, holder: str, since: str, path: Path | str) -> None:
        self.holder = holder
        self.since = since
        self.path = path
        # A text stands for a place where only the Pulumi CLI gets at the lock.
        remedy = "`pulumi cancel`" if isinstance(path, str) else "`optout unlock` for this stack"
        super().__init__(
            f"the stack is locked by {holder} since {since}. Wait for that run to end. "
            f"If it is gone for good, run {remedy}; it removes {path}"
        )
