"""How long the page of a report with a hundred thousand people takes for what a person does with it.

An action's time is measured in the page, from the event to the end of the frame that shows the answer. A busy
machine makes times longer and never shorter, so the shortest of several counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.conftest import Browser

pytestmark = pytest.mark.browser

MILLISECONDS = 200
MOST_LOADS = 12
ACTIONS = """async () => {
  const at = (id) => document.getElementById(id);
  const timed = async (action) => {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const start = performance.now();
    action();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - start;
  };
  const set = (id, value, event) => {
    at(id).value = value;
    at(id).dispatchEvent(new Event(event, {bubbles: true}));
  };
  const times = {};
  for (const text of ["p", "priv-99", "people-3 2026-05", "nobody at all", ""]) {
    times[`search "${text}"`] = await timed(() => set("search", text, "input"));
  }
  for (const [id, value] of [["show", "overdue"], ["show", "asked"], ["domain", "2"], ["status", "1"]]) {
    times[`filter ${id} ${value}`] = await timed(() => set(id, value, "change"));
  }
  times.clear = await timed(() => at("clear").click());
  for (const head of document.querySelectorAll("#heads button")) {
    times[`sort ${head.value}`] = await timed(() => head.click());  // for the first time on this page
    times[`sort ${head.value} again`] = await timed(() => head.click());
  }
  for (const id of ["next", "last", "back", "first"]) times[`page ${id}`] = await timed(() => at(id).click());
  times["100 rows a page"] = await timed(() => set("size", "100", "change"));
  return times;
}"""


def test_every_action_on_a_hundred_thousand_people_takes_at_most_200_ms(browser: Browser, large: Path) -> None:
    shortest: dict[str, float] = {}
    for load in range(MOST_LOADS):
        browser.open(large.as_uri(), viewport={"width": 1280, "height": 900})
        assert browser.text("#count") == "100,000 people, rows 1 to 50"
        for name, time in browser.evaluate(f"({ACTIONS})()").items():
            shortest[name] = min(time, shortest.get(name, time))
        if load >= 2 and max(shortest.values()) <= MILLISECONDS:
            break
    print("\nmilliseconds of each action on 100,000 people, the shortest of", load + 1)
    for name, time in shortest.items():
        print(f"{time:8.1f}  {name}")
    assert {name: time for name, time in shortest.items() if time > MILLISECONDS} == {}
