"""A receipt: what a report says of one person, with the proof that the report says so, and nobody else in it.

The tree of a report has the header as leaf 0 and the rows as the leaves after it. A receipt has the header and one
row, each with its inclusion proof, and the root with its signature. Only ``opening`` says who the person is, to
those who know the id. There is one way to write a receipt, and a file that differs from it in a byte is refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from voiceid_optout.evidence import EvidenceError, Header, Row, Signature, canonical, commitment
from voiceid_optout.evidence.document import DocumentInvalid, parse
from voiceid_optout.evidence.merkle import is_included
from voiceid_optout.files import read_json
from voiceid_optout.speakers import SPEAKER_ID

if TYPE_CHECKING:
    from voiceid_optout.evidence.document import Report

RECEIPT_TYPE = "voiceid-optout/receipt"
RECEIPT_VERSION = 1
LARGEST = 262_144  # bytes; the longest line of a report four times
_LONGEST_PROOF = 64  # hashes: more rows than there are atoms to write them with
_DIGEST = re.compile("[0-9a-f]{64}")
_OPENING = re.compile("[0-9a-f]{32}")


class ReceiptInvalid(EvidenceError):  # noqa: N818 - as DocumentInvalid
    """A file is no receipt, or no longer the one that was written; the text names the place and nobody."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One row of a report and what proves it; ``index`` is the row's leaf, ``size`` the number of all leaves.

    ``opening`` (see :func:`voiceid_optout.evidence.opening`) is None where nobody could make it any more.
    ``speaker_id`` is there only if somebody asked to reveal it.
    """

    header: Header
    header_proof: tuple[str, ...]
    row: Row
    index: int
    proof: tuple[str, ...]
    size: int
    root: str
    signature: Signature | None
    opening: str | None = field(default=None, repr=False)
    speaker_id: str | None = field(default=None, repr=False)
    type: str = RECEIPT_TYPE
    version: int = RECEIPT_VERSION

    def is_of(self, speaker_id: str) -> bool:
        """Tell whether this is the receipt of the person with this id."""
        if self.opening is None:
            return False
        return commitment(self.opening, self.row.domain_id, speaker_id) == self.row.person


def of(report: Report, index: int, row: Row, opening: str | None, speaker_id: str | None = None) -> Receipt:
    """Return the receipt of a row that was tracked in a report, after the report's last row."""
    return Receipt(
        header=report.header,
        header_proof=tuple(report.proof(0)),
        row=row,
        index=index,
        proof=tuple(report.proof(index)),
        size=report.size,
        root=report.root,
        signature=report.signature,
        opening=opening,
        speaker_id=speaker_id,
    )


def content(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as JSON has it."""
    return asdict(receipt)


def render(receipt: Receipt) -> bytes:
    """Return a receipt as a file: JSON with sorted keys, two blanks a level, and a line feed at the end."""
    return written(content(receipt))


def written(document: dict[str, Any]) -> bytes:
    """Return a document as this package writes those that people look at."""
    return f"{json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False)}\n".encode()


def read(data: bytes) -> Receipt:
    """Return a receipt that holds: its bytes, its proofs, and its opening if it has the id.

    The signature is only read. Raises :class:`ReceiptInvalid`.
    """
    receipt = checked(loaded(data))
    require_same(data, render(receipt))
    return receipt


def loaded(data: bytes) -> Any:
    """Return the JSON of a file of bounded size and depth; raises :class:`ReceiptInvalid`."""
    if len(data) > LARGEST:
        raise ReceiptInvalid(f"it is larger than {LARGEST // 1024} KB, so it is no receipt")
    try:
        return read_json(data.decode())
    except ValueError as error:
        line = getattr(error, "lineno", None)
        raise ReceiptInvalid(f"{f'line {line}: ' if line else ''}this is not JSON that can be read") from None


def require_same(data: bytes, expected: bytes) -> None:
    """Raise :class:`ReceiptInvalid`, which names the line, where a file is not what would be written."""
    if data == expected:
        return
    found, wanted = data.split(b"\n"), expected.split(b"\n")
    differing = (number for number, pair in enumerate(zip(found, wanted, strict=False), 1) if pair[0] != pair[1])
    line = next(differing, min(len(found), len(wanted)) + 1)
    raise ReceiptInvalid(f"line {line}: not written as receipts are: something was changed")


def checked(document: Any) -> Receipt:
    """Return the receipt that JSON says, its proofs checked; raises :class:`ReceiptInvalid`."""
    names = {each.name for each in fields(Receipt)}
    if not isinstance(document, dict) or set(document) != names:
        raise ReceiptInvalid("this is not a receipt: it has not the members of one")
    if document["type"] != RECEIPT_TYPE or type(document["version"]) is not int:
        raise ReceiptInvalid("type: this is not a receipt")
    if document["version"] != RECEIPT_VERSION:
        raise ReceiptInvalid("version: a newer version of this program wrote it; verify it with that one")
    signature = document["signature"]
    receipt = Receipt(
        header=_part(Header, document, "header"),
        header_proof=_proof(document, "header_proof"),
        row=_part(Row, document, "row"),
        index=_number(document, "index"),
        proof=_proof(document, "proof"),
        size=_number(document, "size"),
        root=_text(document, "root", _DIGEST),
        signature=None if signature is None else _part(Signature, document, "signature"),
        opening=None if document["opening"] is None else _text(document, "opening", _OPENING),
        speaker_id=None if document["speaker_id"] is None else _text(document, "speaker_id", SPEAKER_ID),
    )
    _require_proven(receipt)
    return receipt


def _require_proven(receipt: Receipt) -> None:
    if receipt.size != receipt.header.people + 1:
        raise ReceiptInvalid("size: the header says another number of people")
    if receipt.index == 0:
        raise ReceiptInvalid("index: this is the place of the header and of no row")
    root = bytes.fromhex(receipt.root)
    parts = (
        ("header_proof", 0, canonical(receipt.header), receipt.header_proof),
        ("proof", receipt.index, canonical(receipt.row), receipt.proof),
    )
    for name, index, leaf, proof in parts:
        if not is_included(root, receipt.size, index, leaf, [bytes.fromhex(one) for one in proof]):
            what = name.removesuffix("_proof").replace("proof", "row")
            raise ReceiptInvalid(f"{name}: it does not lead from the {what} to the root: something was changed")
    if receipt.speaker_id is not None and not receipt.is_of(receipt.speaker_id):
        raise ReceiptInvalid("speaker_id: the row speaks of somebody else")


def _part(kind: type[Any], document: dict[str, Any], name: str) -> Any:
    value = document[name]
    if not isinstance(value, dict):
        raise ReceiptInvalid(f"{name}: this is not an object")
    try:
        return parse(kind, canonical(value), name)
    except (DocumentInvalid, ValueError) as error:
        raise ReceiptInvalid(str(error) if isinstance(error, DocumentInvalid) else f"{name}: not text") from None


def _proof(document: dict[str, Any], name: str) -> tuple[str, ...]:
    value = document[name]
    if not isinstance(value, list) or len(value) > _LONGEST_PROOF:
        raise ReceiptInvalid(f"{name}: this is not a list of at most {_LONGEST_PROOF} hashes")
    if not all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in value):
        raise ReceiptInvalid(f"{name}: a hash is 64 hexadecimal digits")
    return tuple(value)


def _number(document: dict[str, Any], name: str) -> int:
    value = document[name]
    if type(value) is not int or not 0 <= value < 2**_LONGEST_PROOF:
        raise ReceiptInvalid(f"{name}: this is not a number of leaves")
    return value


def _text(document: dict[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = document[name]
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ReceiptInvalid(f"{name}: not as receipts have it")
    return value
