"""The page of a report in a browser: what loads, who can use it, and what search, sort, filters and paging do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import DOMAINS, made, page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Browser

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
LOOKS: list[dict[str, Any]] = [
    {"viewport": DESKTOP, "colorScheme": "light"},
    {"viewport": DESKTOP, "colorScheme": "dark"},
    {"viewport": PHONE, "colorScheme": "light"},
    {"viewport": PHONE, "colorScheme": "dark"},
]


@pytest.fixture
def opened(browser: Browser, small: Path) -> Browser:
    browser.open(small.as_uri(), viewport=DESKTOP)
    return browser


def test_from_disk_nothing_else_is_asked_for(browser: Browser, small: Path) -> None:
    browser.open(small.as_uri(), viewport=DESKTOP)
    assert browser.ask("seen") == {"console": [], "requests": [small.as_uri()]}


def test_over_http_nothing_else_is_asked_for(browser: Browser, served: tuple[str, list[str]]) -> None:
    url, asked = served
    browser.open(url, viewport=DESKTOP)
    assert browser.text("#count") == "100 people, rows 1 to 50"
    assert browser.ask("seen") == {"console": [], "requests": [url]}
    assert asked == ["/report.html"]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look['colorScheme']}-{look['viewport']['width']}")
def test_axe_finds_nothing(browser: Browser, small: Path, look: dict[str, Any]) -> None:
    browser.open(small.as_uri(), **look)
    browser.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = browser.ask("axe")
    assert found["violations"] == []
    assert found["passed"] > 20


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1280])
def test_nothing_is_wider_than_the_window(browser: Browser, small: Path, width: int) -> None:
    browser.open(small.as_uri(), viewport={"width": width, "height": 800})
    assert browser.evaluate("document.documentElement.scrollWidth") == width


def test_who_needs_attention_comes_first(opened: Browser) -> None:
    assert opened.column("Condition")[:6] == ["Overdue"] * 3 + ["In no register"] * 2 + ["Opted out"]


def test_search_needs_every_word_in_any_order(opened: Browser) -> None:
    opened.fill("#search", "PEOPLE-3 priv-1")
    shown = opened.column("Register")
    assert opened.text("#count") == f"{len(shown)} of 100 people"
    assert shown
    assert all("people-3" in place for place in shown)
    opened.fill("#search", "nobody has this")
    assert opened.text("#count") == "Nobody matches. “Clear” shows everybody again."
    assert not opened.evaluate("document.getElementById('list').checkVisibility()")
    opened.click("#clear")
    assert opened.text("#count") == "100 people, rows 1 to 50"


@pytest.mark.parametrize(
    ("show", "count", "conditions"),
    [
        ("Who needs attention", 5, {"Overdue", "In no register"}),
        ("Overdue", 3, {"Overdue"}),
        ("Not as asked", 3, {"Overdue"}),
        ("In no register", 2, {"In no register"}),
        ("As asked", 95, {"Opted out", "Released"}),
        ("Released", 2, {"Released"}),
    ],
)
def test_a_condition_can_be_chosen(opened: Browser, show: str, count: int, conditions: set[str]) -> None:
    opened.select("#size", "100")
    opened.select("#show", show)
    assert opened.text("#count") == f"{count} of 100 people"
    assert set(opened.column("Condition")) == conditions


def test_domain_and_status_can_be_chosen_together(opened: Browser) -> None:
    opened.select("#size", "100")
    opened.select("#domain", DOMAINS[1])
    opened.select("#status", "Enrolled")
    wanted = sum(row.domain_id == DOMAINS[1] and row.status == "ENROLLED" for row in made(100))
    assert 0 < wanted < 3
    assert opened.text("#count") == f"{wanted} of 100 people"
    assert opened.column("Service says") == ["Enrolled"] * wanted


def test_a_tile_chooses_and_a_second_click_takes_it_back(opened: Browser) -> None:
    opened.click(".counts button[value=overdue]")
    assert opened.text("#count") == "3 of 100 people"
    assert opened.evaluate("document.querySelector('.counts [aria-pressed=true]').value") == "overdue"
    opened.click(".counts button[value=overdue]")
    assert opened.text("#count") == "100 people, rows 1 to 50"


@pytest.mark.parametrize("column", ["Asked", "Listed", "Opted out", "Days", "Register", "Service says", "Person"])
def test_every_column_sorts_both_ways_and_what_is_missing_comes_last(opened: Browser, column: str) -> None:
    opened.select("#size", "100")
    head = f"#heads button:text-is('{column}')"
    for turn, reverse in (("ascending", False), ("descending", True)):
        opened.click(head)
        shown = opened.column(column)
        valued = [value for value in shown if value not in ("\u2013", "Absent")]
        key = None
        if column == "Days":
            key = int
        if column == "Register":
            valued = [f"{place.partition(':')[0]}{int(place.partition(':')[2]):9}" for place in valued]
        if column == "Service says":
            valued = [value.upper() for value in valued]
        if column == "Person":
            valued = [
                value
                for value in valued
                if value in {row.label for row in made(100) if row.domain_id == DOMAINS[0]}
            ]
        assert valued == sorted(valued, key=key, reverse=reverse)
        assert len(set(valued)) > 1
        assert set(shown[: len(valued)]).isdisjoint({"\u2013", "Absent"})
        assert opened.evaluate("[...document.querySelectorAll('#heads [aria-sort]')].map((th) => th.ariaSort)") == [
            turn
        ]


def test_pages_by_mouse(opened: Browser) -> None:
    opened.select("#size", "25")
    first = opened.column("Person")
    opened.click("#next")
    second = opened.column("Person")
    assert len(first) == len(second) == 25
    assert not set(first) & set(second)
    assert opened.text("#count") == "100 people, rows 26 to 50"
    opened.click("#last")
    assert opened.text("#page") == "Page 4 of 4"
    opened.click("#back")
    assert opened.text("#page") == "Page 3 of 4"
    opened.select("#size", "50")
    assert opened.text("#count") == "100 people, rows 51 to 100"
    opened.click("#first")
    opened.select("#size", "25")
    assert opened.column("Person") == first


def test_everything_by_keyboard(opened: Browser) -> None:
    opened.press("Tab")
    assert opened.evaluate("document.activeElement.textContent") == "Skip to the people"
    opened.press("Enter", "Tab")
    assert opened.evaluate("document.activeElement.id") == "search"
    opened.press(*"priv-1", "Enter")
    assert opened.text("#count").endswith(" of 100 people")
    opened.press("Tab")
    assert opened.evaluate("document.activeElement.id") == "show"
    opened.press("ArrowDown", "ArrowDown")
    assert set(opened.column("Condition")) == {"Overdue"}
    opened.press("Tab", "Tab", "Tab", "Space")
    assert opened.text("#count") == "100 people, rows 1 to 50"
    opened.press("Tab", "Tab", "Tab", "Enter")
    assert opened.evaluate("document.querySelector('[aria-sort]').textContent") == "Asked"
    opened.focus("#next")
    opened.press(*["Enter"] * 4)
    assert opened.text("#page") == "Page 2 of 2"
    assert opened.evaluate("document.activeElement.id") == "next"  # at the end the focus is not lost
    opened.press("Tab", "Tab")
    assert opened.evaluate("document.activeElement.id") == "size"


def test_where_the_focus_is_can_be_seen(opened: Browser) -> None:
    for selector in ("#search", "#show", "#next", ".counts button", "#heads button", "summary"):
        opened.focus(selector)
        opened.press("Shift+Tab", "Tab")
        assert opened.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", selector


def test_a_print_has_all_that_was_chosen_with_header_and_root(opened: Browser) -> None:
    opened.select("#show", "As asked")
    opened.ask("call", method="emulateMedia", args=[{"media": "print"}])
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(opened.column("Person")) == 95
    assert opened.text("#asked-for") == "Chosen: show: As asked."
    assert "5f" * 32 in opened.text("#list thead")
    assert not opened.evaluate("document.getElementById('filters').checkVisibility()")
    opened.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(opened.column("Person")) == 50


def test_hostile_texts_are_shown_as_texts(browser: Browser, tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=alert(1)><!--<script>"
    (row,) = made(1)
    object.__setattr__(row, "ticket", evil)
    object.__setattr__(row, "status", "constructor")
    browser.open(page(tmp_path, [row]).as_uri(), viewport=DESKTOP)
    assert browser.evaluate("document.querySelector('#rows td[data-head=Asked] small').textContent") == evil
    assert browser.column("Service says") == ["constructor"]
    assert browser.ask("seen")["console"] == []
    assert len(browser.ask("seen")["requests"]) == 1


def test_names_are_shown_found_and_sorted_where_they_are_given(browser: Browser, tmp_path: Path) -> None:
    rows = made(30)
    names = {row.label: f"caller-{index * 7 % 30:06}" for index, row in enumerate(rows)}
    browser.open(page(tmp_path, rows, names).as_uri(), viewport=DESKTOP)
    browser.click("#heads button:text-is('Person')")
    assert browser.column("Person") == sorted(names.values())[:25] + sorted(names.values())[25:]
    browser.fill("#search", "caller-000029")
    assert browser.column("Person") == ["caller-000029"]
