import pytest

from tests.register.edit.fixtures import FILE, load
from voiceid_optout.register import Ensure
from voiceid_optout.register.edit import CannotEdit, FileChange, Person, verify

FIRST = "- {id: a, reason: r, requested_on: 2026-03-02}\n"
BEFORE = f"speakers:\n{FIRST}- b\n"
AFTER = f"speakers:\n{FIRST}- {{id: c, ticket: t, requested_on: 2026-03-03}}\n"


def edit() -> FileChange:
    change = FileChange(remove=[load(BEFORE).entries[1]])
    change.add[Ensure.OPTED_OUT].append(Person("c", {"ticket": "t", "requested_on": "2026-03-03"}))
    return change


def test_what_was_asked_for_passes() -> None:
    verify(load(BEFORE), load(AFTER), {FILE: edit()})


@pytest.mark.parametrize(
    "after",
    [
        BEFORE,
        AFTER.replace(", reason: r", ""),
        AFTER.replace("ticket: t", "ticket: u"),
        AFTER.replace("03-03", "03-04"),
        f"domain: other\n{AFTER}",
        f"{AFTER}- d\n",
    ],
)
def test_anything_else_does_not(after: str) -> None:
    with pytest.raises(CannotEdit, match=FILE):
        verify(load(BEFORE), load(after), {FILE: edit()})
