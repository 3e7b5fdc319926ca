"""The counts of the mutants: what the page says of them, and what must have a reason."""

from pathlib import Path

import pytest

from tools.mutation import __main__ as mutation

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
    assert (mutation.ROOT / module).is_file()
    assert (mutation.ROOT / mutation.tests_of(module)).is_file()


def test_the_state_is_that_of_code_and_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation, "ROOT", tmp_path)
    states = set()
    for code, test in (("1", "1"), ("2", "1"), ("1", "2")):
        for name, text in (("voiceid_optout/a/b.py", code), ("tests/a/test_b.py", test)):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        states.add(mutation.state_of("voiceid_optout/a/b.py"))
    assert len(states) == 3
