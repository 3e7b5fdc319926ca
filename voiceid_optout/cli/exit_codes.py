"""How a command ends: its exit code, which a script may rely on, and the error that ends it early."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells its caller; documented in README.md and never a count."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REGISTER_INVALID = 3
    CHANGES_PLANNED = 4
    DRIFT = 5
    REFUSED = 6
    STALE = 7
    LOCKED = 8
    PARTIAL = 9
    OVERDUE = 10
    NOT_VERIFIED = 11
    ENDED = 130


class CommandError(Exception):
    """Ends a command: a sentence for people and the code for scripts."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        self.code = code
        super().__init__(message)
