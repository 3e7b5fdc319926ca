"""Each threat names a test that proves what holds against it; the test exists, and so do the owners' paths."""

import ast
import re
from functools import cache

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "threats.md"
ROWS = [
    line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| (?!---|what somebody)", line)
]
OWNERS = ROOT / "examples" / "github" / "CODEOWNERS"


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_each_row_has_three_cells_and_names_a_test() -> None:
    assert len(ROWS) > 20
    assert [row for row in ROWS if row.count(" | ") != 2 or "::test_" not in row.rpartition(" | ")[2]] == []


def test_the_named_tests_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) >= len(ROWS)
    assert [f"{path}::{name}" for path, name in named if name not in names_in(path)] == []


def test_the_owners_paths_are_there() -> None:
    lines = [line.split() for line in OWNERS.read_text(encoding="utf-8").splitlines() if line[:1] == "/"]
    assert all(len(owners) >= 1 and all(owner[0] == "@" for owner in owners) for _, *owners in lines)
    own = "/.github/CODEOWNERS"  # the file itself, once it is copied
    missing = [path for path, *_ in lines if path != own and not list(ROOT.glob(path.strip("/")))]
    assert missing == []


def test_stack_files_have_owners() -> None:
    paths = {line.split()[0] for line in OWNERS.read_text(encoding="utf-8").splitlines() if line[:1] == "/"}
    assert {"/Pulumi.*.yaml", "/config/"} <= paths
