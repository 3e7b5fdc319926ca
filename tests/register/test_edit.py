from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.register.conftest import DOMAINS, SANDBOX
from tests.register.edits import FILE, load
from tests.register.yaml12 import read_as_editor
from tests.tables import each_row
from voiceid_optout.register import Ensure, Register, load_texts
from voiceid_optout.register.edit import (
    CannotEdit,
    Comments,
    FileChange,
    Given,
    Person,
    Refused,
    Style,
    block,
    flow,
    to_add,
    to_adopt,
    to_release,
    verify,
)
from voiceid_optout.register.fields import RELEASED, SPEAKERS

STYLE = Style(2, 1, "\n")
PROSE = SPEAKERS.by_name["reason"].rule
IDS = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,12}", fullmatch=True) | st.sampled_from(
    ["id#0123456789abcdefghijkl", "yes", "null", "0x1f", "1e3", "0021", "2026-03-02", "1_000", "off"]
)
REASONS = st.text(min_size=1, max_size=30).filter(lambda text: PROSE.problem(text, plain=False) is None)


def person(**details: str) -> Person:
    return Person("caller-1", details)


def test_an_id_alone_is_a_line() -> None:
    assert block(person(), SPEAKERS, STYLE) == "  - caller-1\n"
    assert block(person(), SPEAKERS, Style(0, 3, "\r\n"), Comments(["# above"], ["# twice", "# more"])) == (
        "# above\r\n-   caller-1  # twice\r\n    # more\r\n"
    )
    assert flow(person(), SPEAKERS) == "caller-1"


def test_fields_have_the_order_of_the_format() -> None:
    full = person(review_on="2029-03-02", ticket="T-1", reason="by phone", requested_on="2026-03-02")
    assert block(full, SPEAKERS, STYLE, Comments((), ["# twice"])).splitlines() == [
        "  - id: caller-1  # twice",
        "    requested_on: 2026-03-02",
        "    reason: by phone",
        "    ticket: T-1",
        "    review_on: 2029-03-02",
    ]
    assert block(person(reason="by phone", ticket="T-1"), RELEASED, STYLE).splitlines()[1] == "    reason: by phone"


@each_row(
    ("text", "written"),
    [
        ("by phone, twice", "by phone, twice"),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("yes", '"yes"'),
        ("0o17", '"0o17"'),
        ("two\nlines", r'"two\nlines"'),
        ('say "no"', r'"say \"no\""'),
        ("Äußerung", "Äußerung"),
        ("- a", '"- a"'),
        ("a ", '"a "'),
    ],
)
def test_quotes_where_a_reader_could_go_wrong(text: str, written: str) -> None:
    assert block(person(reason=text), SPEAKERS, STYLE) == f"  - id: caller-1\n    reason: {written}\n"


@given(IDS, REASONS, REASONS)
def test_every_reader_reads_what_was_meant(speaker_id: str, reason: str, ticket: str) -> None:
    details: Any = {"reason": reason, "ticket": ticket}
    meant = [{"id": speaker_id, **details}]
    written = Person(speaker_id, details)
    for text in (block(written, SPEAKERS, STYLE), f"[{flow(written, SPEAKERS)}]"):
        assert yaml.safe_load(text) == meant
        assert read_as_editor(text) == meant
    assert yaml.safe_load(f"[{flow(Person(speaker_id), SPEAKERS)}]") == [speaker_id]


TEXTS = {
    "a.yaml": b"domain: sandbox\nspeakers: [caller-1]\nreleased: [{id: caller-2, reason: r}]\n",
    "b.yaml": b"domain: other\nspeakers: [caller-1, caller-3]\n",
}


@pytest.fixture
def register() -> Register:
    return load_texts(TEXTS.items(), [], domains=DOMAINS, default_domain=None)


def given_people(*ids: str, **details: str) -> list[Given]:
    return [Given(f"id {number}", Person(id_, details)) for number, id_ in enumerate(ids, 1)]


def test_new_people_go_to_the_file_and_those_back_to_their_own(register: Register) -> None:
    changes = to_add(register, given_people("caller-3", "caller-2"), domain_id=SANDBOX, file="c.yaml")
    assert [person.speaker_id for person in changes["c.yaml"].add[Ensure.OPTED_OUT]] == ["caller-3"]
    (back,) = changes["a.yaml"].add[Ensure.OPTED_OUT]
    assert (back.speaker_id, back.replaces) == ("caller-2", changes["a.yaml"].remove[0].location)


def test_all_who_cannot_be_added_are_told_without_a_name(register: Register) -> None:
    with pytest.raises(Refused) as caught:
        to_add(register, given_people("caller-1", "caller-3", "caller-3"), domain_id=SANDBOX, file="a.yaml")
    assert caught.value.problems == ("id 3: the same as id 2", "id 1: already listed at a.yaml:2")
    assert "caller" not in str(caught.value)


def test_those_listed_may_be_passed_over(register: Register) -> None:
    assert to_add(register, given_people("caller-1"), domain_id=SANDBOX, file="a.yaml", skip_listed=True) == {}


def test_a_release_moves_within_the_file(register: Register) -> None:
    changes = to_release(register, given_people("caller-3", reason="r"), within=["a.yaml", "b.yaml"])
    assert list(changes) == ["b.yaml"]
    assert changes["b.yaml"].remove[0].speaker_id == "caller-3"
    assert to_release(register, given_people("caller-1", reason="r"), within=["b.yaml"]).keys() == {"b.yaml"}


def test_all_who_cannot_be_released_are_told_without_a_name(register: Register) -> None:
    with pytest.raises(Refused) as caught:
        to_release(
            register, given_people("caller-1", "caller-2", "nobody", reason="r"), within=["a.yaml", "b.yaml"]
        )
    assert caught.value.problems == (
        "id 1 is listed in several domains, at a.yaml:2 and b.yaml:2: say which with --domain",
        "id 2: already released at a.yaml:3",
        "id 3 is not in the register",
    )
    with pytest.raises(Refused, match="id 1: released without a reason"):
        to_release(register, given_people("caller-1", reason=" "), within=["a.yaml"])


def test_adopting_takes_each_speaker_once_under_any_name(register: Register) -> None:
    names = [("caller-9", "id#9"), ("id#9",), ("caller-1", "id#1"), ("id#2", "caller-2")]
    new, known = to_adopt(register, names, domain_id=SANDBOX)
    assert ([person.speaker_id for person in new], known) == (["caller-9"], 3)


FIRST = "- {id: a, reason: r, requested_on: 2026-03-02}\n"
BEFORE = f"speakers:\n{FIRST}- b\n"
AFTER = f"speakers:\n{FIRST}- {{id: c, ticket: t, requested_on: 2026-03-03, review_on: 2029-03-03}}\n"


def edit() -> FileChange:
    change = FileChange(remove=[load(BEFORE).entries[1]])
    change.add[Ensure.OPTED_OUT].append(
        Person("c", {"ticket": "t", "requested_on": "2026-03-03", "review_on": "2029-03-03"})
    )
    return change


def test_what_was_asked_for_passes() -> None:
    verify(load(BEFORE), load(AFTER), {FILE: edit()})


@each_row(
    "after",
    [
        BEFORE,
        AFTER.replace(", reason: r", ""),
        AFTER.replace("ticket: t", "ticket: u"),
        AFTER.replace("review_on: 2029", "review_on: 2030"),
        AFTER.replace(", review_on: 2029-03-03", ""),
        AFTER.replace("03-03", "03-04"),
        f"domain: other\n{AFTER}",
        f"{AFTER}- d\n",
    ],
)
def test_anything_else_does_not(after: str) -> None:
    with pytest.raises(CannotEdit, match=FILE):
        verify(load(BEFORE), load(after), {FILE: edit()})
