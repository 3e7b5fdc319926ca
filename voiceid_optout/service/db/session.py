"""Transactions over one connection, which is made when it is needed and made anew after a failure."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from voiceid_optout.service.db.faults import Fault, classify

T = TypeVar("T")


class Session:
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
            if not used or classify(error.reason) is not Fault.LOST:
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
