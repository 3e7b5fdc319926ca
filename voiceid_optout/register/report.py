"""The verdict on a register as text, as GitHub annotations, or as JSON; pure."""

import json
from collections.abc import Iterable, Sequence

from voiceid_optout.register.contacts import Contact
from voiceid_optout.register.errors import Fault
from voiceid_optout.register.model import Location, Register
from voiceid_optout.speakers import Ensure

JSON_VERSION = 1


def summary(verdict: Register | Sequence[Fault]) -> str:
    """One line for people."""
    if isinstance(verdict, Register):
        people = _count(len(verdict.entries), "person", "people")
        files = _count(len(verdict.files), "file", "files")
        return f"ok: {people} in {files}, {verdict.count(Ensure.RELEASED)} released"
    faults = _count(len(verdict), "fault", "faults")
    files = _count(len({fault.location.file for fault in verdict}), "file", "files")
    return f"{faults} in {files}"


def github(faults: Iterable[Fault]) -> Iterable[str]:
    """Workflow commands that GitHub shows as annotations on the lines of a pull request."""
    for fault in faults:
        at = fault.location
        yield (
            f"::error file={_property(at.file)},line={at.line},col={at.column},"
            f"title={_property(fault.code)}::{_data(fault.message)}"
        )


def github_warnings(warnings: Iterable[Contact]) -> Iterable[str]:
    """The same for warnings."""
    for warning in warnings:
        at = warning.location
        yield f"::warning file={_property(at.file)},line={at.line},col={at.column}::{_data(warning.message)}"


def as_json(verdict: Register | Sequence[Fault], warnings: Sequence[Contact] = ()) -> str:
    """One object: ``version``, ``valid``, ``files``, ``people``, ``released``, ``faults``, ``warnings``.

    The three in the middle are null for an invalid register. A fault has ``file``, ``line``, ``column`` (from
    1), ``code``, ``message`` and ``other``: null, or the second place as ``file``, ``line``, ``column``.
    """
    valid = isinstance(verdict, Register)
    return json.dumps(
        {
            "version": JSON_VERSION,
            "valid": valid,
            "files": list(verdict.files) if isinstance(verdict, Register) else None,
            "people": len(verdict.entries) if isinstance(verdict, Register) else None,
            "released": verdict.count(Ensure.RELEASED) if isinstance(verdict, Register) else None,
            "faults": [] if isinstance(verdict, Register) else [_fault(fault) for fault in verdict],
            "warnings": [{**_place(item.location), "message": item.message} for item in warnings],
        },
        indent=2,
    )


def _fault(fault: Fault) -> dict[str, object]:
    return {
        **_place(fault.location),
        "code": fault.code.value,
        "message": fault.message,
        "other": None if fault.other is None else _place(fault.other),
    }


def _place(location: Location) -> dict[str, object]:
    return {"file": location.file, "line": location.line, "column": location.column}


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
