"""What is edited in a part of a file is what is edited in all of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.register.edits import FILE, change, load
from tests.register.test_edit_properties import DETAILS, Written, files
from voiceid_optout.register import Ensure, Entry, Register
from voiceid_optout.register.edit import CannotEdit, FileChange, Person
from voiceid_optout.register.excerpt import Excerpt
from voiceid_optout.register.layout import Patch
from voiceid_optout.register.rewrite import rewrite


def excerpt(text: str, *touched: Entry, least: int = 1) -> tuple[Excerpt, Register]:
    register = load(text)
    return Excerpt.of(text, register.entries, [each.location for each in touched], least), register


def check(text: str, edit: FileChange) -> None:
    """An edit of the part, brought back into the whole, is that of the whole, and everybody is where it says."""
    part, _ = excerpt(text, *edit.remove)
    assert load(part.text).entries == part.entries
    assert {each.speaker_id for each in edit.remove} <= {each.speaker_id for each in part.entries}
    there = FileChange()
    for ensure, people in edit.add.items():
        there.add[ensure] += [
            each if each.replaces is None else replace(each, replaces=part.within(each.replaces)) for each in people
        ]
    new = rewrite(part.text, FILE, add=there.add, remove=[part.within(each.location) for each in edit.remove])
    whole = change(text, edit)
    patched = replace(new, before=text, patches=tuple(part.patches(new.patches)))
    assert patched.text == whole.text
    assert list(patched.diff()) == list(whole.diff())
    at = {each.speaker_id: each.location for each in load(whole.text).entries}
    after = load(new.text).entries
    assert {each.speaker_id: part.after(each.location, new.patches) for each in after}.items() <= at.items()


@settings(max_examples=150)
@given(files(most=14), st.data())
def test_a_part_is_edited_as_the_whole(written: Written, data: st.DataObject) -> None:
    entries = load(written.text).entries
    edit = FileChange(remove=data.draw(st.lists(st.sampled_from(entries), max_size=2, unique=True)))
    for each in edit.remove:
        to = Ensure.RELEASED if each.ensure is Ensure.OPTED_OUT else Ensure.OPTED_OUT
        edit.add[to].append(Person(each.speaker_id, {"reason": "moved"}, each.location))
    new = data.draw(st.lists(DETAILS, min_size=not edit.remove, max_size=2))
    edit.add[Ensure.OPTED_OUT] += [Person(f"new-{number}", details) for number, details in enumerate(new)]
    check(written.text, edit)


LONG = "domain: sandbox\nspeakers:\n" + "".join(f"  - caller-{number}\n" for number in range(40))


def test_what_is_near_stays() -> None:
    part, _ = excerpt(LONG, load(LONG).entries[20])
    assert [each.speaker_id for each in part.entries] == [
        f"caller-{number}" for number in (0, 1, 18, 19, 20, 21, 22, 38, 39)
    ]
    assert part.text.startswith("domain: sandbox\nspeakers:\n  - caller-0\n  - caller-1\n  - caller-18\n")


def test_few_are_left_in() -> None:
    part, register = excerpt(LONG, least=40)
    assert (part.text, part.entries) == (LONG, register.entries)


def test_entries_below_their_dashes_are_left_in() -> None:
    entry = "  -\n    id: caller-{}\n    reason: r\n"
    text = "domain: sandbox\nspeakers:\n" + "".join(entry.format(number) for number in range(40))
    part, _ = excerpt(text)
    assert part.text == text


def test_lists_in_brackets_are_left_in() -> None:
    text = "speakers: [" + ",\n ".join(f"caller-{number}" for number in range(40)) + "]\n"
    part, _ = excerpt(f"domain: sandbox\n{text}")
    assert part.text == f"domain: sandbox\n{text}"


def test_a_patch_where_something_was_left_out_is_refused() -> None:
    part, _ = excerpt(LONG)
    at = part.text.index("  - caller-38")
    for patch in (Patch(at, at, "x"), Patch(at - 3, at), Patch(at - 3, at + 3)):
        with pytest.raises(CannotEdit):
            part.patches([patch])
    whole = LONG.index("  - caller-38")
    assert part.patches([Patch(at + 1, at + 2)]) == [Patch(whole + 1, whole + 2)]
