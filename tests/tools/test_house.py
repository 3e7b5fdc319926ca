"""The figures of ``make house``, counted on a small tree and on our own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tables import each_row

pytest.importorskip("grimp", reason="comes with import-linter, which the oldest dependencies do not go with")

from tools import house
from tools.house import House, Module

ROOT = Path(__file__).parents[2]

TREE = {
    "small_house/__init__.py": "",
    "small_house/alone.py": "",
    "small_house/top.py": (
        "import small_house.middle\n\n\n"
        "def f():\n    import json\n    if json:\n        from small_house import ground\n"
    ),
    "small_house/middle.py": "from small_house.ground import x\n",
    "small_house/ground.py": "import typing\nif typing.TYPE_CHECKING:\n    from small_house import middle\nx = 1\n",
    "__main__.py": "from small_house import top\nfrom small_house.ground import x\n",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> House:
    root = tmp_path_factory.mktemp("checkout")
    for name, text in TREE.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return house.measure(root, ("small_house", "not_there"))


def test_modules_and_lines_are_those_of_the_packages_and_the_program(small: House) -> None:
    assert sorted(small.modules) == [
        "__main__",
        "small_house",
        *(f"small_house.{name}" for name in ("alone", "ground", "middle", "top")),
    ]
    assert small.lines == sum(len(text.splitlines()) for text in TREE.values())


def test_the_program_is_an_importer_and_who_is_imported_by_one_is_named(small: House) -> None:
    assert ("__main__", "small_house.top") in small.imports
    assert ("__main__", "small_house.ground") in small.imports
    assert small.with_one_importer() == ["small_house.top"]


def test_a_circle_by_types_alone_is_told_apart(small: House) -> None:
    assert house.circles(small.runtime) == []
    assert house.circles(small.imports) == [("small_house.ground", "small_house.middle")]


def test_circles_are_whole_groups() -> None:
    imports = {("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e"), ("x", "y"), ("y", "x")}
    assert house.circles(imports) == [("a", "b", "c"), ("x", "y")]


def test_imports_within_functions_are_lazy(small: House) -> None:
    assert small.modules["small_house.top"].lazy == ("5: import json", "7: from small_house import ground")
    assert [name for name, module in small.modules.items() if module.lazy] == ["small_house.top"]


@each_row(
    ("lower", "higher"),
    [
        ("voiceid_optout.speakers", "voiceid_optout.register"),
        ("voiceid_optout.plan", "voiceid_optout.engine.interface"),
        ("voiceid_optout.voiceid.client", "voiceid_optout.providers"),
        ("voiceid_optout.engine", "voiceid_optout.cli.main"),
        ("voiceid_optout.providers.speaker", "__main__"),
    ],
)
def test_an_import_of_a_higher_layer_is_upward(lower: str, higher: str) -> None:
    modules = {name: Module(name, 1) for name in (lower, higher)}
    assert House(modules, frozenset({(lower, higher), (higher, lower)})).upward() == [(lower, higher)]


def test_who_reaches_into_the_embedded_engine_is_named() -> None:
    inner = "voiceid_optout.engine.embedded.engine"
    imports = {
        ("voiceid_optout.cli.up", inner),
        ("voiceid_optout.engine.embedded.run", inner),
        (inner, "voiceid_optout.speakers"),
    }
    assert House({}, frozenset(imports)).reaching_in() == ["voiceid_optout.cli.up"]


def test_a_module_of_400_lines_is_not_too_long() -> None:
    assert House({n: Module(n, int(n)) for n in ("400", "401")}, frozenset()).too_long() == ["401"]


def test_the_command_prints_our_own_table() -> None:
    command = [sys.executable, "-m", "tools.house", "--names"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    figures = {line[:32].strip(): int(line[32:].replace(",", "")) for line in lines if not line.startswith("    ")}
    assert figures["modules"] > 100
    assert figures["lines"] > 10_000
    assert figures["modules over 400 lines"] == 0
    assert len(lines) > len(figures)
