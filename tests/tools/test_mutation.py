"""The counts of the mutants: what the page says of them, and what must have a reason."""

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tools.mutation import __main__ as mutation
from tools.mutation import harness

PAGE = "above\n<!-- mutants -->\nold\n<!-- end of mutants -->\nbelow\n"
GUARD = "voiceid_optout/plan/guard.py"
SURVIVOR = {"line": 3, "before": "a < b", "after": "a <= b"}
RESULT = {"state": "0", "date": "2026-11-28", "mutants": 200, "mypy": 4, "survivors": [SURVIVOR]}
REASONS = {GUARD: [{"before": "a < b", "after": "a <= b", "reason": "They are never equal."}]}


def test_the_page_is_made_from_the_counts() -> None:
    """``python -m tools.mutation --page`` makes it."""
    page = mutation.PAGE.read_text(encoding="utf-8")
    assert page == mutation.renewed(page, *mutation.read())


def test_every_survivor_has_a_reason_and_few_survive() -> None:
    results, reasons = mutation.read()
    assert mutation.unexplained(results, reasons) == []
    assert {one: mutation.share(result) for one, result in results.items() if mutation.share(result) < 95} == {}


def test_a_row_says_who_noticed() -> None:
    page = mutation.renewed(PAGE, {GUARD: RESULT}, REASONS)
    assert f"| `{GUARD}` | the guard | 200 | 195 | 4 | 1 | 99.5 % | 2026-11-28 |" in page.splitlines()
    assert "- They are never equal.\n  - ``a < b`` becomes ``a <= b``\n" in page
    assert "old" not in page


def test_without_counts_or_survivors_the_page_says_so() -> None:
    assert "`make mutation` makes them" in mutation.renewed(PAGE, {}, {})
    assert "None survives." in mutation.renewed(PAGE, {GUARD: {**RESULT, "survivors": []}}, {})


def test_a_survivor_without_a_reason_and_a_reason_without_a_survivor_are_named() -> None:
    assert mutation.unexplained({GUARD: RESULT}, {}) == [f"no reason: {GUARD}: - a < b + a <= b"]
    assert mutation.unexplained({}, REASONS) == [f"no survivor: {GUARD}: - a < b + a <= b"]
    assert mutation.unexplained({GUARD: RESULT}, REASONS) == []


@pytest.mark.parametrize("module", mutation.MODULES)
def test_each_module_has_its_tests(module: str) -> None:
    assert (harness.ROOT / module).is_file()
    assert all((harness.ROOT / tests).is_file() for tests in mutation.tests_of(module))


def test_tests_that_were_split_belong_to_their_module() -> None:
    found = mutation.tests_of("voiceid_optout/state/journal.py")
    assert found == ["tests/state/test_journal.py", "tests/state/test_journal_file.py"]
    assert mutation.tests_of("voiceid_optout/plan/__init__.py") == ["tests/plan/test_plan.py"]


def test_the_state_is_that_of_code_and_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation, "ROOT", tmp_path)
    states = set()
    for code, test in (("1", "1"), ("2", "1"), ("1", "2")):
        for name, text in (("voiceid_optout/a/b.py", code), ("tests/a/test_b.py", test)):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        states.add(mutation.state_of("voiceid_optout/a/b.py"))
    assert len(states) == 3


def test_a_process_of_its_own_tells_its_code_and_is_ended_where_it_does_not_end() -> None:
    def fail() -> int:
        raise ValueError

    assert harness._forked(lambda: 0) == 0
    assert harness._forked(lambda: 3) == 3
    assert harness._forked(fail) == 1
    assert harness._forked(time.sleep, 600, idle=0.5) is None


def test_a_mutant_sends_no_signal_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def tests(*_: object, **__: object) -> int:
        os.kill(os.getpid(), 0)
        os.kill(os.getppid(), 0)
        os.kill(os.getppid(), 10)
        return 0

    monkeypatch.setattr(harness, "_pytest", tests)
    found = harness._Instead("voiceid_optout/nowhere.py", "")
    assert harness._forked(harness._mutated, found, set(), [], harness._Order({}, 0), 60) == 1


def test_the_tests_that_run_a_line_go_first_the_shortest_at_once() -> None:
    times = {"slow": (2.0, [4, 5]), "quick": (0.1, [5]), "elsewhere": (0.1, [9]), "also": (0.2, [4])}
    items: list[Any] = [SimpleNamespace(nodeid=one) for one in ("elsewhere", "slow", "also", "quick")]
    harness._Order(times, 5).pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == ["quick", "slow", "elsewhere", "also"]
    harness._Order(times, 8).pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items][:2] == ["quick", "slow"], "a line that none runs is in what began before"


@pytest.mark.costly
def test_what_was_imported_from_a_module_is_known() -> None:
    old = harness._dependents("voiceid_optout.plan.guard")
    assert {"voiceid_optout.plan.guard"} == old & {"voiceid_optout.plan.guard", "voiceid_optout.speakers"}
    needed = harness._needed("voiceid_optout.plan.guard", harness.ROOT / "voiceid_optout" / "plan" / "guard.py")
    assert {"voiceid_optout", "voiceid_optout.plan", "voiceid_optout.speakers", "dataclasses"} <= needed


BEFORE = "LIMIT = 3\n\nclass A:\n    size: int = 1\n\n    def f(self, x=2):\n        return x + 1\n"


@pytest.mark.parametrize(
    ("old", "new", "functions"),
    [
        ("x + 1", "x - 1", {"A.f"}),
        ("x=2", "x=3", None),
        ("size: int = 1", "size: int = 2", None),
        ("LIMIT = 3", "LIMIT = 4", None),
        ("LIMIT = 3", "LIMIT = 3.0", None),
        ("def f", "def g", None),
    ],
)
def test_where_only_a_function_differs_only_its_code_is_changed(
    old: str, new: str, functions: set[str] | None
) -> None:
    found = harness.changed_functions("a.py", BEFORE, BEFORE.replace(old, new))
    assert (None if found is None else {*found}) == functions


def test_mypy_sees_that_a_mutant_is_not_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks at a file's size and at the second in which it was written."""
    seen: list[tuple[int, int]] = []

    def mypy(command: list[str], **_: Any) -> SimpleNamespace:
        found = Path(command[-2]).stat()
        seen.append((found.st_size, int(found.st_mtime)))
        return SimpleNamespace(returncode=1)

    monkeypatch.setattr("tools.mutation.harness.subprocess.run", mypy)
    assert harness._refused_by_mypy(GUARD, "a = 1\n")
    assert harness._refused_by_mypy(GUARD, "b = 2\n")
    (size, before), (same, after) = seen
    assert size == same
    assert before != after
