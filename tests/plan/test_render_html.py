import re
from dataclasses import replace
from html.parser import HTMLParser

from tests.plan.plans import BUCKET, EVERY_ACTION, SCOPE, plan, review, step, steps
from tests.tables import each_row
from voiceid_optout import pages
from voiceid_optout.plan import Action, Purpose, Scope, Step
from voiceid_optout.plan.guard import Limits, check
from voiceid_optout.plan.render_html import render
from voiceid_optout.plan.review import Review

VOID = {"meta"}
EVIL = "</style></td><script>alert(1)</script><img src=//evil.example onerror='x'>\"&amp;"


class Page(HTMLParser):
    """Reads a page: its elements, that they close, and the text of each kind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag: str) -> list[str]:
        return [text for where, text in self.texts if where == tag]


def read(made: Review, **more: int) -> Page:
    page = Page(render(made, **more))
    assert page.open == []
    return page


def test_a_page_says_all_that_the_text_says() -> None:
    added, released = step(Action.OPT_OUT, 1), step(Action.RELEASE, 2)
    made = review(
        [added, released],
        3,
        places={added.label: "config/people.yaml:3"},
        because={released.label: "consented again"},
    )
    page = read(made)
    assert page.of("h1") == page.of("title") == ["Plan for stack test"]
    assert "1 to opt out, 1 to release, 3 unchanged" in page.of("p")
    assert list(zip(page.of("strong"), page.of("span"), strict=True)) == [
        ("1", "opt out"),
        ("1", "release"),
        ("3", "unchanged"),
    ]
    assert page.of("code") == [made.where, added.label, "config/people.yaml:3", released.label, made.digest]
    assert page.of("td") == [
        *("opt out", "ensure: none → opted_out", "new"),
        *("release", "ensure: opted_out → released", "released because "),
    ]
    assert page.of("q") == ["consented again"]


def test_the_guard_and_its_command_are_shown() -> None:
    made = plan([step(Action.FORGET)], managed=1)
    refusal = check(made, Limits(), "d" * 64, "optout up --approve dddd")
    page = read(review(made.steps, refusal=refusal))
    assert "The guard would refuse this: 1 person would no longer be managed, and nobody would be left." in page.of(
        "p"
    )
    assert page.of("pre") == ["optout up --approve dddd"]
    assert "aside" not in read(review(made.steps)).tags


def test_it_needs_nothing_else_and_nothing_runs() -> None:
    page = read(review(EVERY_ACTION))
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "href", "style") or name.startswith("on")]
    (style,) = page.of("style")
    assert not re.search(r"@import|url\(|//", style)
    assert ("content", pages.policy(style)) in page.attributes


def test_it_is_for_light_and_dark_and_paper() -> None:
    (style,) = read(review([])).of("style")
    assert "color-scheme: light dark" in style
    assert "@media (prefers-color-scheme: dark)" in style
    assert "@media print" in style


def test_nothing_from_elsewhere_is_markup() -> None:
    parts = [
        Step(EVIL, Action.CREATE, f"{BUCKET}{EVIL}", type=BUCKET),
        replace(step(Action.REPAIR, 1), reason=EVIL),
        step(Action.RELEASE, 2),
    ]
    made = plan(parts, managed=1)
    refusal = check(made, Limits(max_losses=0), "d" * 64, f"optout up --cwd '{EVIL}'")
    page = read(
        review(
            parts,
            because={parts[2].label: EVIL},
            places={parts[2].label: f"{EVIL}.yaml:1"},
            refusal=refusal,
            scope=Scope("p", EVIL, Purpose.UP, "https://voiceid.example.org", "us-east-1"),
        )
    )
    assert set(page.tags) == set(
        read(review([step(Action.RELEASE)], because={step(Action.RELEASE).label: "x"})).tags
    ) | {
        "aside",
        "pre",
    }
    assert page.of("q") == [EVIL]
    assert page.of("h1") == [f"Plan for stack {EVIL}"]


@each_row("each", EVERY_ACTION)
def test_every_action_has_a_row_and_a_class(each: Step) -> None:
    page = read(review([each]))
    assert each.label in page.of("code")
    assert page.attributes.count(("class", each.action.value)) == 2


def test_a_long_plan_is_cut_and_says_so() -> None:
    page = read(review(steps(Action.OPT_OUT, 50)), limit=10)
    assert page.tags.count("tr") == 1 + 10 + 1
    assert "… 40 more rows …" in page.of("td")


def test_no_steps_need_no_table_and_a_report_no_digest() -> None:
    assert "table" not in read(review([])).tags
    assert read(review([], scope=replace(SCOPE, purpose=Purpose.DRIFT))).of("code") == [review([]).where]


def test_a_place_is_a_link_where_its_address_is_known_and_a_ticket_is_text() -> None:
    left, other = step(Action.FORGET, 1), step(Action.OPT_OUT, 2)
    page = read(
        review(
            [left, other],
            former={left.label: "config/people.yaml:14 (1a2b3c4)"},
            links={left.label: "https://github.com/example/register/blob/1a2b3c4/config/people.yaml#L14"},
            tickets={other.label: EVIL},
        )
    )
    assert [value for name, value in page.attributes if name == "href"] == [
        "https://github.com/example/register/blob/1a2b3c4/config/people.yaml#L14"
    ]
    assert "script" not in page.tags
    assert "stays opted out" in "".join(page.of("p"))
    assert any("(ticket </style>" in text for text in page.of("span"))
