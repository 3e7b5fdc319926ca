"""What a failure of the database means for the requests it met."""

from enum import Enum, auto

from sqlalchemy.exc import DBAPIError


class Fault(Enum):
    """How to go on after a failure."""

    RACE = auto()
    """Another service was in the way, and nothing was changed: try again."""
    LOST = auto()
    """The database is not to be had now; trying each request on its own would not help."""
    OTHER = auto()
    """One of the requests may be to blame."""


# SQLSTATE, from appendix A of PostgreSQL's manual.
_RACES = {
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "23505",  # unique_violation: the same name, made by two services at once
}
_LOST = (
    "08",  # connection exceptions
    "53",  # insufficient resources: disk, memory, connections
    "57",  # operator intervention: the server stops, starts, or ended the session
    "58",  # system errors, such as input and output
    "25P03",  # idle_in_transaction_session_timeout
    "25006",  # read_only_sql_transaction: connected to what has become a standby
    "55P03",  # lock_not_available: who holds it may be stopped for long
)


def classify(error: Exception) -> Fault:
    """Tell what a failure of a transaction means."""
    if not isinstance(error, DBAPIError):
        return Fault.OTHER
    state = _sqlstate(error)
    if state in _RACES:
        return Fault.RACE
    if error.connection_invalidated or (state or "").startswith(_LOST):
        return Fault.LOST
    # psycopg's errors that no server sent have no state: it could not connect, or lost the connection.
    if _is_psycopg(error) and state is None and type(error.orig).__name__ == "OperationalError":
        return Fault.LOST
    return Fault.OTHER


def is_full(error: Exception) -> bool:
    """Tell whether there was no room for what was to be written."""
    if not isinstance(error, DBAPIError):
        return False
    name = getattr(error.orig, "sqlite_errorname", "")
    return name.startswith(("SQLITE_FULL", "SQLITE_IOERR")) or (_sqlstate(error) or "").startswith("53")


def describe(error: Exception) -> str:
    """Name a failure without its statement or values, which may hold identifiers."""
    if not isinstance(error, DBAPIError):
        return type(error).__name__
    state = _sqlstate(error)
    if state is not None:  # PostgreSQL's own text may quote a value
        return f"{type(error.orig).__name__} ({state})"
    lines = str(error.orig).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else type(error.orig).__name__}"


def _sqlstate(error: DBAPIError) -> str | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state


def _is_psycopg(error: DBAPIError) -> bool:
    return type(error.orig).__module__.startswith("psycopg")
