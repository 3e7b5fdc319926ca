"""What an operation is, and what it works with: a connection in a transaction, the time, and whose data it is."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, CursorResult

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
    """One transaction of one batch. ``now`` is in epoch seconds with milliseconds."""

    connection: Connection
    now: float
    tenant: Tenant
    token_key: bytes = field(repr=False)


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
    """SQL of our own that the driver gets as it is: SQLAlchemy's part costs more than a small statement itself.

    ``texts`` are by dialect, with parameters as ``:name``, and hold no other colon and no percent sign.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = {
            dialect: re.sub(r":(\w+)", r"%(\1)s", text) if dialect == "postgresql" else text
            for dialect, text in texts.items()
        }

    def run(self, connection: Connection, **values: Any) -> CursorResult[Any]:
        """Run it with these parameters; failures are SQLAlchemy's, as those of any other statement."""
        return connection.exec_driver_sql(self.texts[connection.dialect.name], values)
