"""What random edits look like as a diff is in test_properties.py."""

from voiceid_optout.register.edit.diff import Hunk, hunks, unified
from voiceid_optout.register.edit.patch import Patch, apply

TEXT = "".join(f"line {number}\n" for number in range(20))


def test_patches_are_made_in_the_order_of_the_text() -> None:
    assert apply("abc", [Patch(3, 3, "!"), Patch(1, 2, "X"), Patch(0, 0, "1"), Patch(0, 0, "2")]) == "12aXc!"


def test_patches_of_one_line_are_one_change() -> None:
    assert hunks(TEXT, [Patch(5, 5, "x"), Patch(0, 4)]) == [Hunk(0, 1, (" x0",))]
    assert hunks(TEXT, [Patch(0, 0, "")]) == []


def test_changes_far_apart_are_told_apart() -> None:
    patches = [Patch(0, 0, "new\n"), Patch(len(TEXT), len(TEXT), "last\n"), Patch(42, 49)]
    told = list(unified(TEXT.splitlines(), hunks(TEXT, patches), "f.yaml", str.upper))
    assert told == [
        *["--- a/f.yaml", "+++ b/f.yaml"],
        *["@@ -1,10 +1,10 @@", "+NEW", *[f" LINE {number}" for number in range(6)], "-LINE 6"],
        *[" LINE 7", " LINE 8", " LINE 9"],
        *["@@ -18,3 +18,4 @@", " LINE 17", " LINE 18", " LINE 19", "+LAST"],
    ]
