from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.plan.plans import BUCKET, EVERY_ACTION, plan, review, step, steps
from tests.tables import each_row
from voiceid_optout.plan import Action, Purpose, Scope, Step
from voiceid_optout.plan.guard import Limits, check
from voiceid_optout.plan.render_markdown import COMMENT_LENGTH, LEAST_LENGTH, cell, code, render
from voiceid_optout.plan.review import clean

# CommonMark with GitHub's tables, and HTML passed through: what gets past the span is seen as a token.
PARSER = MarkdownIt("commonmark").enable("table")

NASTY = [
    "@octocat please look",
    "fixes #12, GH-7, org/repo#3 and a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0",
    "https://evil.example/x www.evil.example robin@evil.example",
    "<script>alert(1)</script><img src=x onerror=alert(1)> <!-- marker -->",
    "[link](javascript:alert(1)) ![image](//evil.example/x.png)",
    "a | b || c",
    r"back\slash \| pipe \\| and \\\| more|",
    "`tick` ``two`` ``` three",
    "`",
    "``",
    "ends with `",
    "*bold* _em_ ~~gone~~ # head > quote - item 1. item $x^2$ :tada: &amp; &lt;",
    "---\n===\n\n    code\n| a |",
    "</details></td></table>",
    "\u202eturned \x1b[31m",
]


def spans(markdown: str) -> list[str]:
    """Return the texts in code of a paragraph that must hold nothing else."""
    tokens = PARSER.parse(markdown)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children or []
    assert {child.type for child in children} <= {"code_inline"}
    return [child.content for child in children]


def cells(markdown: str) -> list[list[tuple[str, str]]]:
    """Return what the cells of a table's only row hold: the type and the content of each part."""
    tokens = PARSER.parse(f"| a | b |\n| --- | --- |\n| {markdown} | end |\n")
    assert tokens[0].type == "table_open"
    assert tokens[-1].type == "table_close"
    inlines = [token for token in tokens if token.type == "inline"]
    assert [token.content for token in inlines[:2]] == ["a", "b"]
    return [[(child.type, child.content) for child in token.children or []] for token in inlines[2:]]


@each_row("text", NASTY)
def test_in_code_nothing_means_anything(text: str) -> None:
    assert spans(code(text)) == [clean(text, 200)]


@each_row("text", NASTY)
def test_in_a_cell_a_bar_ends_nothing(text: str) -> None:
    ((part,), end) = cells(cell(text))
    assert part[0] == "code_inline"
    assert part[1].replace("\\ ", "\\") == clean(text, 200).replace("\\ ", "\\")
    assert end == [("text", "end")]


@given(st.text(alphabet=st.sampled_from("`|\\ a@#<\n"), max_size=30) | st.text(max_size=60))
@example("`a` |")
def test_whatever_the_text(text: str) -> None:
    line = clean(text, 200)
    if not line:
        assert code(text) == cell(text) == ""
        return
    assert spans(code(text)) == [line]
    ((part,), end) = cells(cell(text))
    assert part[0] == "code_inline"
    assert part[1].replace("\\ ", "\\") == line.replace("\\ ", "\\")
    assert end == [("text", "end")]


def test_a_text_is_cut() -> None:
    assert code("a" * 300, 10) == "`aaaaaaaaa…`"
    assert cell("a" * 300, 10) == "`aaaaaaaaa…`"


GOLDEN = """\
### Plan for stack `test`

1 to opt out, 1 to release, 3 unchanged

Endpoint: `https://voiceid.example.org (us-east-1), domain DomainDomainDomain0001`

| action | count |
| --- | ---: |
| opt out | 1 |
| release | 1 |
| unchanged | 3 |

<details open><summary>opt out: 1</summary>

| who | where | change | why |
| --- | --- | --- | --- |
| `sp-0000000000000001` | `config/people.yaml:3` | `ensure: none → opted_out` | new |

</details>

<details open><summary>release: 1</summary>

| who | where | change | why |
| --- | --- | --- | --- |
| `sp-0000000000000002` | `config/people.yaml:9` | `ensure: opted_out → released` | released because `consented` |

</details>

Digest: `DIGEST`
"""


def test_summary_and_counts_come_first_then_a_table_an_action() -> None:
    added, released = step(Action.OPT_OUT, 1), step(Action.RELEASE, 2)
    made = review(
        [released, added],
        3,
        places={added.label: "config/people.yaml:3", released.label: "config/people.yaml:9"},
        because={released.label: "consented"},
    )
    assert render(made) == GOLDEN.replace("DIGEST", made.digest)


def test_a_plan_of_nothing_is_short() -> None:
    made = review([], 3)
    assert render(made).splitlines()[2] == "3 unchanged"
    assert "details" not in render(made)
    assert made.digest in render(made)


def test_a_report_has_no_digest() -> None:
    made = review(
        [step(Action.REPAIR)],
        scope=Scope("voiceid-optout", "test", Purpose.DRIFT, "https://voiceid.example.org", "us-east-1"),
    )
    assert "### Drift in stack `test`" in render(made)
    assert "Digest" not in render(made)


def test_the_guard_is_a_warning_with_the_command() -> None:
    made = plan([step(Action.FORGET)], managed=1)
    refusal = check(made, Limits(), "d" * 64, "optout up --cwd 'a `b`' --approve dddd")
    shown = render(review(made.steps, refusal=refusal))
    assert (
        "> [!WARNING]\n"
        "> **The guard would refuse this:** 1 person would no longer be managed, and nobody would be left.\n"
        "> To do exactly this all the same: ``optout up --cwd 'a `b`' --approve dddd``\n"
    ) in shown
    assert refusal is not None
    endless = replace(refusal, override="optout up " + "--target sp-0000000000000000 " * 3000)
    assert len(render(review(made.steps, refusal=endless), LEAST_LENGTH)) <= LEAST_LENGTH


def test_nothing_from_elsewhere_is_markup() -> None:
    evil = "</details> | @team #1 <img src=x> www.evil.example"
    parts = [
        Step(evil, Action.CREATE, f"{BUCKET} {evil}", type=BUCKET),
        replace(step(Action.REPAIR, 1), reason=f"{evil} in the service, should be OPTED_OUT"),
        step(Action.RELEASE, 2),
    ]
    made = review(parts, because={parts[2].label: evil}, places={parts[2].label: f"{evil}.yaml:1"})
    tokens = PARSER.parse(render(made))
    blocks = [token.content for token in tokens if token.type == "html_block"]
    assert all(block.startswith(("<details", "</details>\n")) and "img" not in block for block in blocks)
    inline = [child for token in tokens for child in token.children or []]
    assert {child.type for child in inline} <= {"text", "code_inline"}
    assert not [child for child in inline if child.type == "text" and set(child.content) & set("@#<>&")]
    rows = [token for token in tokens if token.type == "tr_open"]
    cells = [token for token in tokens if token.type == "td_open"]
    assert len(cells) == 4 * len(parts) + 2 * (len(parts) + 1)
    assert len(rows) == len(parts) + len(parts) + 1 + 1 + len(parts)


@each_row("each", EVERY_ACTION)
def test_every_action_has_its_table(each: Step) -> None:
    assert f"`{each.label}`" in render(review([each]))


@pytest.mark.costly
@each_row("limit", [LEAST_LENGTH, 20_000, COMMENT_LENGTH])
def test_a_comment_s_limit_is_kept_and_the_counts_stay(limit: int) -> None:
    made = review([*steps(Action.OPT_OUT, 100_000), *steps(Action.RELEASE, 3, 200_000)], 5)
    shown = render(made, limit)
    assert limit - 200 < len(shown) <= limit
    assert "100,000 to opt out, 3 to release, 5 unchanged" in shown
    assert "| opt out | 100,000 |" in shown
    rows = [line for line in shown.splitlines() if line.startswith("| `sp-")]
    left_out = 100_003 - len(rows)
    assert f"| … {left_out:,} more rows … | | | |" in shown
    assert sum("released" in row for row in rows) == 3
    labels = [row.split("`")[1] for row in rows if "released" not in row]
    assert labels[0] == "sp-0000000000000001"
    assert labels[-1] == f"sp-{100_000:016x}"
    assert labels == sorted(labels)
    assert made.digest in shown


def test_what_fits_is_whole() -> None:
    assert "more row" not in render(review(steps(Action.OPT_OUT, 300)))


def test_long_tables_are_folded() -> None:
    assert "<details open>" in render(review(steps(Action.OPT_OUT, 20)))
    assert "<details>" in render(review(steps(Action.OPT_OUT, 21)))


def test_too_little_room_is_refused() -> None:
    with pytest.raises(ValueError, match="8,192"):
        render(review([]), LEAST_LENGTH - 1)


@settings(max_examples=settings().max_examples // 3)
@given(
    st.lists(st.tuples(st.sampled_from(list(Action)), st.integers(1, 400)), max_size=8),
    st.integers(LEAST_LENGTH, 40_000),
)
def test_any_plan_keeps_any_limit_and_wastes_no_room(counts: list[tuple[Action, int]], limit: int) -> None:
    parts = [
        Step(f"sp-{place:08x}{number:08x}", action, "new")
        for place, (action, count) in enumerate(counts)
        for number in range(count)
    ]
    shown = render(review(parts), limit)
    rows = shown.count("\n| `sp-")
    assert len(shown) <= limit
    assert rows == len(parts) or len(shown) > limit - 600
    sections = [line for line in shown.splitlines() if line.startswith("<details")]
    assert len(sections) == len({action for action, _ in counts})
    assert all(a != b for a, b in pairwise(shown.splitlines()) if a.startswith("| …"))


def test_a_thousand_rows_with_links_and_tickets_keep_the_bound() -> None:
    many = steps(Action.OPT_OUT, 1_000)
    places = {each.label: f"config/people.yaml:{line}" for line, each in enumerate(many, 1)}
    address = f"https://github.com/example/register/blob/{'1' * 40}/config/people.yaml#L"
    links = {label: f"{address}{place.rpartition(':')[2]}" for label, place in places.items()}
    tickets = {label: f"PRIV-{line}" for line, label in enumerate(places, 1)}
    made = render(review(many, places=places, links=links, tickets=tickets))
    assert len(made) <= COMMENT_LENGTH
    assert "| opt out | 1,000 |" in made
    assert "more rows" in made
    assert made.count("](https://") > 200
    assert f"[`config/people.yaml:1`]({address}1)" in made
    assert f"[`config/people.yaml:1000`]({address}1000)" in made
