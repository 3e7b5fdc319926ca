from pathlib import Path

import click
import pytest

from tests.tables import each_row
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.people_input import SHOWN, ordinal, people, refused
from voiceid_optout.register.edit import Given, Person
from voiceid_optout.register.fields import SPEAKERS


def read(table: Path, text: str | bytes, **details: str) -> list[Given]:
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    return people((), table, details, SPEAKERS, "add")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def test_a_table_of_people(table: Path) -> None:
    text = 'Ticket, ID ,reason\r\nT-1,caller-1,"by phone, twice"\r\n\r\n,caller-2,\r\n'
    assert read(table, text, reason="in writing", requested_on="2026-03-02") == [
        Given(
            f"{table}:2",
            Person("caller-1", {"reason": "by phone, twice", "requested_on": "2026-03-02", "ticket": "T-1"}),
        ),
        Given(f"{table}:4", Person("caller-2", {"reason": "in writing", "requested_on": "2026-03-02"})),
    ]


@pytest.mark.parametrize("text", ["id;ticket\ncaller-1;T,1\n", "\ufeffid\tticket\ncaller-1\tT,1"])
def test_what_spreadsheets_write(table: Path, text: str) -> None:
    assert read(table, text)[0].person == Person("caller-1", {"ticket": "T,1"})


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("first", ["", "sep={}|", '"SEP={}"|'])
def test_every_line_end_and_delimiter(table: Path, end: str, delimiter: str, first: str) -> None:
    text = f"{first}id{{}}ticket|caller-1{{}}a,b;c|||caller-2{{}}|".replace("a,b;c", '"a,b;c"')
    given = read(table, text.replace("{}", delimiter).replace("|", end))
    assert [each.person for each in given] == [Person("caller-1", {"ticket": "a,b;c"}), Person("caller-2")]
    start = 3 if first else 2
    assert [each.place for each in given] == [f"{table}:{start}", f"{table}:{start + 3}"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_cell_may_have_several_lines(table: Path, end: str) -> None:
    text = 'reason,id|"by phone,|and later, by letter|Well",caller-1|"he said ""no""|twice",caller-2|'
    given = read(table, text.replace("|", end))
    assert [(each.place, each.person) for each in given] == [
        (f"{table}:2", Person("caller-1", {"reason": "by phone,\nand later, by letter\nWell"})),
        (f"{table}:5", Person("caller-2", {"reason": 'he said "no"\ntwice'})),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "",
            "1: the first line must name the columns, 'id' among them; known are id, requested_on, reason, ticket",
        ),
        ("caller-zq\ncaller-zq2\n", "1: the first line must name the columns"),
        ("id,resaon\n", "1: column 2: unknown key: did you mean 'reason'?"),
        ("id,caller-zq\n", "1: column 2: unknown key; known here: id, requested_on, reason, ticket"),
        ("id,id\n", "1: column 2 has the name of an earlier one"),
        ("id,ticket\ncaller-zq\n", "2: 1 cells, but the header has 2"),
        ('id\n"caller-zq\n', "2: no CSV from here on: look for a quote that is not closed"),
        ("id\ncaller-zq!\n\n", "2: not a speaker id: 1 to 256"),
        ("id,requested_on\ncaller-zq,02.03.2026\n", "2: requested_on: not a day of the calendar"),
        ("id,ticket\n,zq\n", "2: no id"),
        (b"id,ticket\ncaller-1,\xe4\n", "2: not UTF-8: save it as UTF-8"),
        (b"id,ticket\rcaller-1,\xe4\r", "2: not UTF-8: save it as UTF-8"),
        *[
            ("id,ticket\ncaller-zq,T\n".encode(encoding), "1: looks like UTF-16: save it as UTF-8")
            for encoding in ("utf-16", "utf-16-le", "utf-16-be")
        ],
        ("sep=;\nid;resaon\n", "2: column 2: unknown key: did you mean 'reason'?"),
        ("sep=;\nid;reason\n\ncaller-zq!;r\n", "4: not a speaker id: 1 to 256"),
        ('id,reason\na,"x\ny"\ncaller-zq!,"x\ny"\n', "4: not a speaker id: 1 to 256"),
        ('id,reason\na,"x\ny"\nb,"zq\nc,d\n', "4: no CSV from here on: look for a quote that is not closed"),
        ('id,reason,ticket\na,"x\ny","T\nb,"zq",T\n', "3: no CSV from here on: look for a quote"),
        ('id,reason\rb,"zq\rc,d\r', "2: no CSV from here on: look for a quote that is not closed"),
        (f'id,reason\na,r\nb,"zq\n{"c,d" * 70_000}\n', "3: no CSV from here on: look for a quote"),
        ('id,reason\na,"by phone\nzq1,"\nb,r\n', "2: a quote that opens here closes in line 3, with other people"),
        ('id,reason\na,"r\nzq1,r\nzq2,r\nzq3,r"\n', "2: a quote that opens here closes in line 5, with other"),
        ('reason;id\nr;a\n"r;zq1\nr;zq2\nr";b\n', "3: a quote that opens here closes in line 5, with other"),
        ("id\tticket\ta\n", "1: column 3: unknown key"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_no_name(table: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(CommandError) as caught:
        read(table, text)
    assert f"{table}:{told}" in str(caught.value)
    assert caught.value.code is ExitCode.USAGE
    assert "zq" not in str(caught.value)


def test_a_table_of_nobody(table: Path) -> None:
    with pytest.raises(CommandError, match="nobody is named there"):
        read(table, "id\n")


def test_a_table_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: Is a directory"):
        people((), tmp_path, {}, SPEAKERS, "add")


@each_row(("ids", "csv"), [((), None), (("caller-1",), Path("t.csv")), (("-", "caller-1"), None)])
def test_people_are_named_in_one_way(ids: tuple[str, ...], csv: Path | None) -> None:
    with pytest.raises(click.UsageError):
        people(ids, csv, {}, SPEAKERS, "add")


def test_options_are_judged_as_the_register_is() -> None:
    with pytest.raises(click.UsageError, match="--requested-on: not a day"):
        people(("caller-1",), None, {"requested_on": "yesterday", "reason": None}, SPEAKERS, "add")


def test_numbers_in_words() -> None:
    assert [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111, 112)] == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th", "112th"]
    )


def test_a_flood_of_problems_is_cut() -> None:
    lines = str(refused([f"problem {number}" for number in range(SHOWN + 5)], "add")).splitlines()
    assert lines[0] == "cannot add 25 people; nothing was changed:"
    assert (len(lines), lines[-1]) == (SHOWN + 2, "  … and 5 more")
