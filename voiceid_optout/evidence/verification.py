"""Checks reports and receipts with nothing but the files and public keys: no network, no stack, no passphrase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from voiceid_optout.evidence import EvidenceError, json_ld, receipt, signing
from voiceid_optout.evidence.document import DocumentInvalid, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from voiceid_optout.evidence import Header, Row, Signature
    from voiceid_optout.evidence.receipt import Receipt

_PEEKED = 16
# How each kind of file begins; what begins otherwise is no file of ours.
_REPORT, _JSON_LD, _RECEIPT = b'{"header":', b'{\n  "@context"', b'{\n  "header": {'


class NotVerified(EvidenceError):  # noqa: N818 - a verdict
    """A file is not, byte for byte, what was written; the text says where."""


class NeitherError(EvidenceError):
    """A file is neither a report nor a receipt."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A file that is as it was written; ``receipt`` is None for a report."""

    header: Header
    root: str
    signature: Signature | None
    receipt: Receipt | None = None

    def unvouched(self, public_keys: Collection[str]) -> str | None:
        """Return why this does not come from the holder of one of these keys, or None.

        Who knows a key wants to hear it if it did not sign: with any key, an unsigned file is refused.
        """
        if self.signature is None:
            return (
                "it is not signed, and by the public keys that are known here it should be" if public_keys else None
            )
        if self.signature.public_key not in public_keys:
            return f"it is signed by a key that nothing here vouches for: {self.signature.public_key}"
        return None


def whole(file: BinaryIO, track: Callable[[Row], bool] = lambda _row: False) -> Report:
    """Read a report to its end, line by line, and return it: every byte, the root and the signature are checked.

    ``track`` chooses the rows whose proofs are wanted. Raises :class:`NotVerified`, and OSError as the file does.
    """
    try:
        report = Report(file, track)
        for _ in report:
            pass
    except DocumentInvalid as error:
        raise NotVerified(str(error)) from None
    _require_signed(report.root, report.signature)
    return report


def _require_signed(root: str, signature: Signature | None) -> None:
    if signature is not None and not signing.is_signed(signature, bytes.fromhex(root)):
        raise NotVerified("the signature is not one of this root: something was changed")


def verify(file: BinaryIO) -> Verified:
    """Check a report, a receipt or a receipt as JSON-LD; ``file`` can seek, and a report is read line by line.

    That the signature is one of its public key is checked, and not whose key that is: see
    :meth:`Verified.unvouched`. Raises :class:`NotVerified`, :class:`NeitherError`, and OSError as the file does.
    """
    beginning = file.read(_PEEKED)
    file.seek(0)
    try:
        if beginning.startswith(_REPORT):
            report = whole(file)
            return Verified(report.header, report.root, report.signature)
        if beginning.startswith((_RECEIPT, _JSON_LD)):
            read = json_ld.read if beginning.startswith(_JSON_LD) else receipt.read
            one = read(file.read(receipt.LARGEST + 1))
            _require_signed(one.root, one.signature)
            return Verified(one.header, one.root, one.signature, one)
    except receipt.ReceiptInvalid as error:
        raise NotVerified(str(error)) from None
    raise NeitherError("this is neither a report nor a receipt")


def breaks(found: Sequence[Verified]) -> Iterator[tuple[int, str]]:
    """Yield where the chain of reports is broken: the index of a file, and what is wrong before it.

    The files come in the order in which the reports were made; several of the same report may follow one another.
    """
    for number in range(1, len(found)):
        if (problem := _break(found[number - 1], found[number])) is not None:
            yield number, problem


def _break(before: Verified, after: Verified) -> str | None:
    """Return why a file does not follow the one before it."""
    if after.root == before.root:
        return None
    if (after.header.project, after.header.stack) != (before.header.project, before.header.stack):
        return "it is of another stack than the file before it: verify each stack by itself"
    if after.header.previous == before.root:
        return None
    if after.header.made_at < before.header.made_at:
        return "it is older than the file before it: give the oldest first"
    if after.header.previous is None:
        return "a new chain begins here: it names no report before it"
    return (
        f"a report is missing between {before.header.made_at} and {after.header.made_at}: this one follows the "
        f"root {after.header.previous}, which the file before it does not have"
    )
