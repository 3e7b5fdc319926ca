"""The state of the house in figures: sizes, importers, circles, imports upwards, and who reaches into an engine.

``make house`` prints the table; ``make house NAMES=--names`` prints the modules behind each figure too. Another
checkout is measured with its folder as the argument. What counts as an import:

- A statement anywhere in a module, for types alone too: to know a name is to depend on it.
- ``from package import name`` is an import of the package where the name is no module: a facade is an importer of
  what it exports. Commands that are loaded by name (``voiceid_optout/cli/main.py``) have no importer.
"""

from __future__ import annotations

import argparse
import ast
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import grimp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("voiceid_optout", "providers")
PROGRAM = "__main__"

# From the ground up; a module imports its own layer and those below. What is named nowhere is the kernel: everybody
# may import it, and it imports nobody.
LAYERS = (
    ("register", "plan", "voiceid", "state", "service", "forge"),
    ("evidence", "providers", "engine"),
    ("program",),
    ("cli", "__main__"),
)
PRIVATE = "voiceid_optout.engine.embedded"
FEW_LINES = 60
MOST_LINES = 400

_Import = tuple[str, str]  # the importer and what it imports


@dataclass(frozen=True)
class Module:
    """A file: its dotted name, its lines, and the imports inside of functions, ``line: statement`` each."""

    name: str
    lines: int
    lazy: tuple[str, ...] = ()
    is_package: bool = False


@dataclass(frozen=True)
class House:
    """All modules and who imports whom; ``runtime`` leaves out the imports for types alone."""

    modules: Mapping[str, Module]
    imports: frozenset[_Import]
    runtime: frozenset[_Import] = field(default_factory=frozenset)

    @property
    def lines(self) -> int:
        """Return the lines of all modules, comments and empty lines among them."""
        return sum(module.lines for module in self.modules.values())

    def with_one_importer(self) -> list[str]:
        """Return the modules that one other module imports; packages are left out, for they are folders."""
        importers: dict[str, set[str]] = {}
        for importer, imported in self.imports:
            importers.setdefault(imported, set()).add(importer)
        return sorted(
            name
            for name, module in self.modules.items()
            if not module.is_package and len(importers.get(name, ())) == 1
        )

    def upward(self) -> list[_Import]:
        """Return the imports of a higher layer."""
        return sorted((low, high) for low, high in self.imports if layer(low) < layer(high))

    def reaching_in(self) -> list[str]:
        """Return the modules outside of the embedded engine that import a part of it."""
        return sorted({a for a, b in self.imports if within(b, PRIVATE) and not within(a, PRIVATE)})

    def too_long(self) -> list[str]:
        """Return the modules of more than 400 lines."""
        return sorted(name for name, module in self.modules.items() if module.lines > MOST_LINES)


def within(module: str, package: str) -> bool:
    """Tell whether a module is a package or lies in it."""
    return module == package or module.startswith(f"{package}.")


def layer(module: str) -> int:
    """Return how high a module lies; 0 is the kernel."""
    parts = module.split(".")
    name = parts[0] if parts[0] != PACKAGES[0] else (parts[1] if len(parts) > 1 else "")
    return next((height for height, names in enumerate(LAYERS, 1) if name in names), 0)


def circles(imports: Collection[_Import]) -> list[tuple[str, ...]]:
    """Return the groups of modules that import one another, directly or by way of others."""
    targets: dict[str, set[str]] = {}
    for importer, imported in imports:
        targets.setdefault(importer, set()).add(imported)

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        ahead = [start]
        while ahead:
            new = targets.get(ahead.pop(), set()) - found
            found |= new
            ahead += new
        return found

    reach = {name: reached(name) for name in targets}
    groups = {
        tuple(sorted(other for other in targets if other in reach[name] and name in reach[other]))
        for name in targets
        if name in reach[name]
    }
    return sorted(groups)


def lazy_imports(node: ast.AST, *, inside: bool = False) -> Iterator[str]:
    """Find the imports inside of functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            if inside:
                yield f"{child.lineno}: {ast.unparse(child)}"
        elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from lazy_imports(child, inside=inside or function)


def modules_of(root: Path, packages: Iterable[str]) -> Iterator[Module]:
    """Read the files of the packages, and the program beside them."""
    files = [path for package in packages for path in (root / package).rglob("*.py")]
    for path in [*files, *root.glob(f"{PROGRAM}.py")]:
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        text = path.read_text(encoding="utf-8")
        name = ".".join(parts[:-1] if is_package else parts)
        yield Module(name, len(text.splitlines()), tuple(lazy_imports(ast.parse(text))), is_package)


def program_imports(root: Path, known: Collection[str]) -> Iterator[_Import]:
    """Find what the program imports of ours: it lies in no package, so the graph does not know it."""
    path = root / f"{PROGRAM}.py"
    if not path.exists():
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else str(node.module) for name in inner]
        else:
            continue
        yield from ((PROGRAM, name) for name in names if name in known)


def graph_of(packages: Iterable[str], *, types: bool) -> frozenset[_Import]:
    """Return the imports between modules of the packages, as import-linter sees them."""
    graph = grimp.build_graph(*packages, cache_dir=None, exclude_type_checking_imports=not types)
    found = (
        (name, imported) for name in graph.modules for imported in graph.find_modules_directly_imported_by(name)
    )
    return frozenset(found)


def measure(root: Path = ROOT, packages: tuple[str, ...] = PACKAGES) -> House:
    """Measure a checkout."""
    there = tuple(package for package in packages if (root / package / "__init__.py").exists())
    sys.path.insert(0, str(root))
    try:
        imports, runtime = (graph_of(there, types=types) for types in (True, False))
    finally:
        sys.path.remove(str(root))
    modules = {module.name: module for module in modules_of(root, there)}
    own = frozenset(program_imports(root, modules))
    return House(modules, imports | own, runtime | own)


@dataclass(frozen=True)
class Row:
    """A figure, what it counts, and the names behind it."""

    what: str
    figure: int
    names: tuple[str, ...] = ()


def rows(house: House) -> list[Row]:
    """Return the table."""

    def row(what: str, names: Iterable[str]) -> Row:
        listed = tuple(names)
        return Row(what, len(listed), listed)

    single = house.with_one_importer()
    small = [name for name in single if house.modules[name].lines < FEW_LINES]
    lazy = [f"{name}:{line}" for name, module in sorted(house.modules.items()) for line in module.lazy]
    return [
        # An empty file makes a folder a package, and is nothing to read.
        Row("modules", sum(module.lines > 0 for module in house.modules.values())),
        Row("lines", house.lines),
        row("modules with one importer", single),
        row(f"  of them under {FEW_LINES} lines", small),
        row("import circles", map(", ".join, circles(house.runtime))),
        row("  with imports for types", map(", ".join, circles(house.imports))),
        row("upward imports", map(" -> ".join, house.upward())),
        row("lazy imports", lazy),
        row("importers of engine/embedded", house.reaching_in()),
        row(f"modules over {MOST_LINES} lines", house.too_long()),
    ]


def table(found: Iterable[Row], *, names: bool) -> str:
    """Set the table in plain text."""
    lines: list[str] = []
    for row in found:
        lines.append(f"{row.what:<32}{row.figure:>7,}")
        lines += (f"    {name}" for name in row.names if names)
    return "\n".join(lines)


def main() -> None:
    """Print the table of a checkout."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.house", description="Print the state of the code in figures."
    )
    parser.add_argument("root", nargs="?", type=Path, default=ROOT, help="the checkout; this one by default")
    parser.add_argument("--names", action="store_true", help="print the modules behind each figure")
    given = parser.parse_args()
    print(table(rows(measure(given.root.resolve())), names=given.names))


if __name__ == "__main__":
    main()
