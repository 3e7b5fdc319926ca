"""What an operation is, and what it works with: a connection in a transaction, the time, and whose data it is."""

import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from voiceid_optout.service.errors import ApiError
from voiceid_optout.service.settings import Tenant

Request = dict[str, Any]
Result = dict[str, Any]


class DomainStatus(StrEnum):
    ACTIVE = "ACTIVE"
    PENDING = "PENDING"
    SUSPENDED = "SUSPENDED"


class SpeakerStatus(StrEnum):
    ENROLLED = "ENROLLED"
    EXPIRED = "EXPIRED"
    OPTED_OUT = "OPTED_OUT"
    PENDING = "PENDING"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction of one batch. ``now`` is in epoch seconds with milliseconds.

    ``remembered`` are the marks of signed requests that were put into the table in it.
    """

    connection: Connection
    now: float
    tenant: Tenant
    token_key: bytes = field(repr=False)
    remembered: set[str] = field(default_factory=set, repr=False)


Single = Callable[[Transaction, Request], Result]
Bulk = Callable[[Transaction, Sequence[Request]], Sequence[Result | ApiError]]


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks for by name.

    ``run`` takes neighbouring requests of a batch, within a transaction that its caller commits. It returns one
    answer a request, in their order: a result or an ApiError. It decides before it writes: a request answered with
    an ApiError has changed nothing, and the others of the batch go on. Whether a request is valid by the model, and
    whether the caller may ask it, is checked before.

    A write stays within the domain that its request names, or is ``alone``: no other write runs beside it. One that
    is ``apart`` touches no domain's data. One that ``knows_repeats`` is given a request's ``Mark`` and whether it
    is ``Repeated``, and remembers marks itself.
    """

    run: Bulk
    writes: bool
    alone: bool = False
    apart: bool = False
    knows_repeats: bool = False


def _one_by_one(single: Single) -> Bulk:
    def run(tx: Transaction, requests: Sequence[Request]) -> list[Result | ApiError]:
        return list(answers(tx, requests))

    def answers(tx: Transaction, requests: Sequence[Request]) -> Iterator[Result | ApiError]:
        for request in requests:
            try:
                yield single(tx, request)
            except ApiError as error:
                yield error

    return run


def read(single: Single) -> Operation:
    return Operation(_one_by_one(single), writes=False)


def write(single: Single, *, alone: bool = False, apart: bool = False) -> Operation:
    return Operation(_one_by_one(single), writes=True, alone=alone, apart=apart)


class Statement:
    """SQL of our own that goes to the driver as it is: SQLAlchemy's part costs more than a small statement itself.

    ``texts`` are by dialect, or one for both. Parameters are ``:name``; there is no other colon, no percent sign.
    """

    def __init__(self, texts: Mapping[str, str] | str) -> None:
        given = {"sqlite": texts, "postgresql": texts} if isinstance(texts, str) else texts
        self.texts = {**given, "postgresql": re.sub(r":(\w+)", r"%(\1)s", given["postgresql"])}
        self._row: Callable[[Iterable[Any]], Any] | None = None

    def run(self, connection: Connection, **values: Any) -> list[Any]:
        """Return the rows as named tuples; raises SQLAlchemy's errors, as any other statement does."""
        driver: Any = connection.connection.dbapi_connection
        dialect, faults = connection.dialect, connection.dialect.loaded_dbapi.Error
        try:
            cursor = driver.execute(self.texts[dialect.name], values)
            rows = cursor.fetchall() if cursor.description else []
        except faults as error:
            lost = dialect.is_disconnect(error, driver, None)
            raise DBAPIError.instance(
                None, None, error, faults, hide_parameters=True, connection_invalidated=lost, dialect=dialect
            ) from error
        if not rows:
            return rows
        if self._row is None:
            names = [column[0] for column in cursor.description]
            kind: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024  of any columns
            self._row = kind._make
        return list(map(self._row, rows))


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
T = TypeVar("T")


class Failure(Enum):
    """How to go on after a failure."""

    RACE = auto()
    """Another service was in the way, and nothing was changed: try again."""
    LOST = auto()
    """The database is not to be had now; trying each request on its own would not help."""
    OTHER = auto()
    """One of the requests may be to blame."""


def classify(error: Exception) -> Failure:
    """Tell what a failure of a transaction means."""
    if not isinstance(error, DBAPIError):
        return Failure.OTHER
    state = _sqlstate(error)
    if state in _RACES:
        return Failure.RACE
    if error.connection_invalidated or (state or "").startswith(_LOST):
        return Failure.LOST
    # psycopg's errors that no server sent have no state: it could not connect, or lost the connection.
    if _is_psycopg(error) and state is None and type(error.orig).__name__ == "OperationalError":
        return Failure.LOST
    return Failure.OTHER


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


class PersistentConnection:
    """Used by one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def connect(self) -> None:
        """Connect ahead of the first use, if that is possible now."""
        with suppress(DBAPIError):
            self._connection = self._engine.connect()

    def run(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction and return its result once that is committed.

        A connection that turns out to have been lost before the commit is replaced once: nothing has happened then.
        Any other failure is raised, and of one that came with the commit nobody knows whether it happened.
        """
        used = self._connection is not None
        try:
            return self._attempt(work)
        except _BeforeCommitError as error:
            if not used or classify(error.reason) is not Failure.LOST:
                raise error.reason from None
        try:
            return self._attempt(work)
        except _BeforeCommitError as error:
            raise error.reason from None

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _attempt(self, work: Callable[[Connection], T]) -> T:
        try:
            try:
                if self._connection is None:
                    self._connection = self._engine.connect()
                transaction = self._connection.begin()
                result = work(self._connection)
            except Exception as error:
                raise _BeforeCommitError(error) from error
            transaction.commit()
        except Exception:
            self._drop()  # an input or output error can leave it unusable
            raise
        return result

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


class _BeforeCommitError(Exception):
    def __init__(self, reason: Exception) -> None:
        super().__init__()
        self.reason = reason
