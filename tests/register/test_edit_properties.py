"""Edits of files as no person would write them, made at random."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.register.edits import change, load
from voiceid_optout.register import Ensure
from voiceid_optout.register.edit import FileChange, Person
from voiceid_optout.register.rewrite import Rewritten

TEXTS = st.text("abcXYZ019 äß.,:;#'\"\\-_[]{}&*!|>%@`\n\t", min_size=1, max_size=20).filter(str.strip)
DAYS = st.dates().map(lambda day: f"{day.year:04}-{day:%m-%d}")
DETAILS = st.fixed_dictionaries({}, optional={"requested_on": DAYS, "reason": TEXTS, "ticket": TEXTS})


@dataclass
class Written:
    """A file as its pieces: lines without ends, and whose they are (None: nobody's)."""

    pieces: list[tuple[str | None, list[str]]] = field(default_factory=list)
    end: str = "\n"
    open_ended: bool = False

    @property
    def text(self) -> str:
        text = "".join(line + self.end for line in self.lines())
        return text.removesuffix(self.end) if self.open_ended else text

    def lines(self, without: frozenset[str] = frozenset()) -> list[str]:
        return [line for owner, lines in self.pieces if owner not in without for line in lines]


@st.composite
def entry(draw: st.DrawFn, name: str, indent: int, *, released: bool) -> list[str]:
    gap = " " * draw(st.integers(1, 3))
    dash, within = " " * indent + "-" + gap, " " * (indent + 1 + len(gap))
    word = draw(st.sampled_from([name, f"'{name}'", f'"{name}"']))
    comment = draw(st.sampled_from(["", "  # said so", " #"]))
    reasons = [
        "r",
        "'it''s # said'",
        '"a\\nb"',
        f"plain\n{within}  over lines",
        f">-\n{within}  folded\n\n{within}  more",
    ]
    reason = draw(st.sampled_from(reasons))
    kinds = ["mapping", "braces"] if released else ["bare", "mapping", "braces"]
    match draw(st.sampled_from(kinds)):
        case "bare":
            return [f"{dash}{word}{comment}"]
        case "braces":
            return [f"{dash}{{id: {word}, reason: r,", f"{within} ticket: 'T,1'}}{comment}"]
    fields = [f"reason: {reason}", f"id: {word}"]
    if draw(st.booleans()):
        fields.insert(draw(st.integers(0, 2)), "requested_on: 2026-03-02")
    text = f"\n{within}".join(fields if draw(st.booleans()) else reversed(fields))
    return f"{dash}{text}".split("\n")


@st.composite
def files(draw: st.DrawFn, most: int = 4) -> Written:
    filler_apart = st.sampled_from([[], [""], ["# about", ""], ["   "]])  # else it would be about the next one
    filler_below = st.lists(st.sampled_from(["", "# about", "   "]), max_size=2)
    filler = st.lists(st.sampled_from(["", "# about", "   "]), max_size=2)
    written = Written(end=draw(st.sampled_from(["\n", "\r\n"])), open_ended=draw(st.booleans()))
    bare = draw(st.booleans())
    written.pieces.append(
        (None, [*draw(filler), *([] if bare else ["domain:   sandbox  # here"]), *draw(filler), ""])
    )
    number = 0
    for key in ["speakers"] if bare else draw(st.permutations(["speakers", "released"])):
        indent = draw(st.integers(0, 4))
        if not bare:
            written.pieces.append((None, [f"{key}:{draw(st.sampled_from(['', '  # c']))}"]))
        for _ in range(draw(st.integers(1, most))):
            number += 1
            name = f"{key}-{number}"
            lines = draw(entry(name, indent, released=key == "released"))
            above = ["# above"] * draw(st.integers(0, 2)) if number > 1 else []  # at the top it is about the file
            written.pieces.append((name, [f"{' ' * indent}{line}" for line in above] + lines))
            written.pieces.append((None, draw(filler_below if indent else filler_apart)))
    written.pieces.append((None, ["# end"]))
    return written


def filled(lines: list[str]) -> list[str]:
    return [line for line in lines if line.strip()]


def check_diff(new: Rewritten) -> None:
    """The diff, read again, turns the old lines into the new ones."""
    old = (new.before + new.missing).splitlines()
    result, at = [], 0
    for line in list(new.diff())[2:]:
        if line.startswith("@@"):
            start, length = line.split()[1][1:].split(",")
            first = int(start) - (length != "0")
            result += old[at:first]
            at = first
        elif line.startswith("+"):
            result.append(line[1:])
        else:
            assert old[at] == line[1:]
            at += 1
            result += [line[1:]] if line.startswith(" ") else []
    assert result + old[at:] == new.text.splitlines()


@settings(max_examples=3 * settings().max_examples // 2)
@given(files(), st.lists(DETAILS, min_size=1, max_size=3))
def test_adding_leaves_every_line_that_was_there(written: Written, details: list[dict[str, str]]) -> None:
    edit = FileChange()
    edit.add[Ensure.OPTED_OUT] += [Person(f"new-{number}", each) for number, each in enumerate(details)]
    new = change(written.text, edit)
    check_diff(new)
    before, after = written.lines(), new.text.removesuffix(written.end).split(written.end)
    assert new.text.endswith(written.end) is not written.open_ended
    added = len(after) - len(before)
    first = next((at for at, line in enumerate(before) if line != after[at]), len(before))
    assert any(after[:at] + after[at + added :] == before for at in range(first + 1)), (
        "lines were put in, in one place"
    )


@settings(max_examples=3 * settings().max_examples // 2)
@given(files(), st.data())
def test_moving_takes_out_whole_entries_and_nothing_else(written: Written, data: st.DataObject) -> None:
    register = load(written.text)
    chosen = data.draw(st.sets(st.sampled_from(register.entries), min_size=1))
    edit = FileChange(remove=[each for each in register.entries if each in chosen])
    for each in edit.remove:
        to = Ensure.RELEASED if each.ensure is Ensure.OPTED_OUT else Ensure.OPTED_OUT
        edit.add[to].append(Person(each.speaker_id, {"reason": "moved"}, each.location))
    new = change(written.text, edit)
    check_diff(new)
    gone = frozenset(each.speaker_id for each in edit.remove)
    left = filled(written.lines(gone))
    after = iter(filled(new.text.splitlines()))
    keys = {"speakers:", "released:"}
    missing = [line for line in left if line.split(" ")[0] not in keys and not any(line == each for each in after)]
    assert missing == [], "every other line is there, in its order"
    for comment in ("# said so", "# above"):
        assert new.text.count(comment) == written.text.count(comment), "comments move with their entries"
