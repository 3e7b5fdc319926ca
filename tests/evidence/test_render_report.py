import csv
import io
from dataclasses import replace

from tests.evidence.reports import HELD, summarise
from tests.evidence.test_report import HEADER, OPEN, UNLISTED
from tests.tables import each_row
from voiceid_optout.evidence import Row
from voiceid_optout.evidence.render_report import Table, overdue_lines, summary_lines, title


def test_a_screen_has_a_line_a_domain_and_a_line_a_month() -> None:
    summary = summarise([HELD, OPEN, UNLISTED, replace(UNLISTED, domain_id="B" * 22)], HEADER)
    assert list(summary_lines(summary, {"A" * 22: "main"})) == [
        "  main: 2 people, 1 as asked, 1 not as asked, 1 overdue, 1 opted out and not listed",
        f"  {'B' * 22}: 0 people, 1 opted out and not listed",
        "  month     asked   listed  applied  days: median, longest",
        "  2026-03        2        2        1  3, 3",
    ]
    assert list(summary_lines(summarise([], HEADER), {})) == []


def test_the_overdue_are_told_by_label_and_place_the_first_ones() -> None:
    absent = replace(OPEN, status=None, requested_on=None)
    assert list(overdue_lines([OPEN, absent], 3000, HEADER)) == [
        "Overdue, not opted out after more than 30 days: 3,000",
        "  sp-0000000000000001  config/people.yaml:3  asked 2026-03-02, ENROLLED in the service",
        "  sp-0000000000000001  config/people.yaml:3  asked 2026-03-04, absent in the service",
        "  … 2,998 more",
    ]
    assert list(overdue_lines([], 0, HEADER)) == []


def test_the_title_names_the_commit_if_there_is_one() -> None:
    assert title(HEADER) == "Report of stack production, 2026-04-15T08:00:00Z"
    assert title(replace(HEADER, commit="e" * 40)).endswith(", commit eeeeeee")


def table_of(*rows: Row, names: dict[str, str] | None = None) -> list[dict[str, str]]:
    out = io.StringIO(newline="")
    table = Table(out, HEADER, names)
    for row in rows:
        table.add(row)
    assert out.getvalue().count("\r\n") >= 1 + len(rows)
    return list(csv.DictReader(io.StringIO(out.getvalue(), newline=""), strict=True))


def test_a_table_has_a_line_a_row_and_no_name() -> None:
    held, overdue, unlisted = table_of(HELD, OPEN, UNLISTED)
    assert (held["label"], held["as_asked"], held["overdue"]) == ("sp-0000000000000001", "yes", "no")
    assert (held["requested_on"], held["applied_at"]) == ("2026-03-02", "2026-03-05T09:15:00Z")
    assert (overdue["as_asked"], overdue["overdue"], overdue["applied_at"]) == ("no", "yes", "")
    assert (unlisted["ensure"], unlisted["as_asked"], unlisted["status"]) == ("", "", "OPTED_OUT")
    assert "speaker_id" not in held
    assert "nonce" not in held


def test_a_table_with_names_has_those_of_the_register() -> None:
    shown = table_of(HELD, replace(UNLISTED, label="sp-0000000000000002"), names={HELD.label: "caller-1"})
    assert [row["speaker_id"] for row in shown] == ["caller-1", ""]


@each_row(
    "text", ["=1+1", "+1", "-1", "@sum(A1)", "\t=1", "\r1", "\n=1", "  =1", "\uff1d1", '=HYPERLINK("http://a","b")']
)
def test_no_cell_of_a_table_is_a_formula(text: str) -> None:
    [row] = table_of(replace(HELD, ticket=text, place=text))
    assert (row["ticket"], row["place"]) == (f"'{text}", f"'{text}")


@each_row("text", ['say "no"', "a,b;c", "two\nlines", "PRIV-231", "a=b", "\u00e9"])
def test_every_other_text_arrives_as_it_was(text: str) -> None:
    [row] = table_of(replace(HELD, ticket=text))
    assert row["ticket"] == text
