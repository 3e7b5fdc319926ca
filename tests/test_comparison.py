"""docs/comparison.md claims nothing without a test that exists."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")

PEERS = ("octoDNS", "DNSControl", "Peribolos", "Terraform", "Pulumi", "otterdog")
FEATURES = (
    *("plan formats", "exit codes", "plan integrity", "mass-change guard", "dump/adopt", "positions"),
    *("editor schema", "environments", "secrets", "rate limit", "partial failure", "resumability", "locking"),
    *("drift detection", "drift correction", "PR comments", "notifications by exit code", "audit log", "tests"),
)
MOST_TESTS = 3  # a row; who wants to read more reads the file


def section(title: str) -> str:
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    return str(found)


def rows(title: str) -> list[list[str]]:
    """Return the cells of a section's table, its head first and without the line of dashes."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[0], *lines[2:])]


def names(node: ast.AST, prefix: str = "") -> Iterator[str]:
    """Yield the tests of a module as pytest names them: ``test_it``, ``TestThat::test_it``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef) and child.name.startswith("Test"):
            yield from names(child, f"{prefix}{child.name}::")
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and child.name.startswith("test_"):
            yield f"{prefix}{child.name}"


@cache
def found_in(path: str) -> frozenset[str]:
    file = ROOT / path
    return frozenset(names(ast.parse(file.read_text(encoding="utf-8")))) if file.is_file() else frozenset()


PROOFS = {feature: re.findall(r"`([^`]+)`", cell) for feature, cell in rows("Proof")[1:]}


def test_every_feature_is_compared_with_every_tool() -> None:
    head, *body = rows("Features")
    assert head[:2] == ["feature", "this project"]
    assert [column.split()[0] for column in head[2:]] == [*PEERS]
    assert tuple(row[0] for row in body) == FEATURES
    assert [row[0] for row in body if len(row) != len(head) or not all(row)] == []


def test_every_tool_has_its_sources() -> None:
    assert tuple(re.findall(r"^- \*\*(\w+)\*\*", section("Sources"), re.MULTILINE)) == PEERS


def test_every_feature_has_its_proof() -> None:
    assert tuple(PROOFS) == FEATURES
    assert [feature for feature, tests in PROOFS.items() if not 1 <= len(tests) <= MOST_TESTS] == []


def test_every_test_that_is_named_exists() -> None:
    named = [test.partition("::") for tests in PROOFS.values() for test in tests]
    assert [f"{path}::{name}" for path, _, name in named if name not in found_in(path)] == []


def test_a_test_that_is_not_there_is_noticed() -> None:
    here = Path(__file__).relative_to(ROOT).as_posix()
    assert "test_every_feature_has_its_proof" in found_in(here)
    assert "test_of_nothing" not in found_in(here)
    assert found_in("tests/test_of_nothing.py") == frozenset()
    module = ast.parse("class TestThat:\n def test_it(self): ...\n def helper(self): ...\ndef helper(): ...")
    assert [*names(module)] == ["TestThat::test_it"]
