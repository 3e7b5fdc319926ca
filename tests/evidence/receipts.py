"""Small signed reports and their receipts."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tests.evidence.reports import DOMAIN, HEADER, KEY, row_of
from tests.evidence.test_signing import PRIVATE
from voiceid_optout.evidence import Signature, opening
from voiceid_optout.evidence.document import Report, write
from voiceid_optout.evidence.receipt import Receipt, ReceiptInvalid, of
from voiceid_optout.evidence.signing import sign

SIGN: Callable[[bytes], Signature] = partial(sign, PRIVATE)


def person(number: int) -> str:
    return f"planted-{number}"


def report(people: int = 3, *, signed: bool = True, previous: str | None = None, night: int = 27) -> bytes:
    """Return a report of people 0, 1, 2…, made at 3:23 of a night in November."""
    out = io.BytesIO()
    header = replace(HEADER, people=people, previous=previous, made_at=f"2026-11-{night}T03:23:00Z")
    write(out, header, map(row_of, range(people)), SIGN if signed else None)
    return out.getvalue()


def receipt(number: int = 1, people: int = 3, *, signed: bool = True, reveal: bool = False) -> Receipt:
    """Return the receipt of person ``number``."""
    wanted = row_of(number)
    found = Report(io.BytesIO(report(people, signed=signed)), lambda row: row.label == wanted.label)
    for _ in found:
        pass
    ((index, row),) = found.tracked
    made = opening(KEY, DOMAIN, person(number))
    return of(found, index, row, made, person(number) if reveal else None)


def damaged(data: bytes) -> list[bytes]:
    """Return the data with each byte changed, in its lowest bit and in another, and with each byte missing."""
    flipped = [
        data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
        for place in range(len(data))
        for bit in (1, 32)
    ]
    return [*flipped, *(data[:place] + data[place + 1 :] for place in range(len(data)))]


def require_found(render: Callable[[Receipt], bytes], read: Callable[[bytes], Receipt]) -> None:
    """Check that each changed or missing byte of a receipt is found, at the latest by who knows the id.

    But for those of root, key and signature, which test_verification.py changes.
    """
    made = receipt(signed=False)
    for data in damaged(render(made)):
        try:
            found = read(data)
        except ReceiptInvalid:
            continue
        assert replace(found, opening=made.opening) == made  # only who knows the id can check the opening
        assert not found.is_of(person(1))
