"""The mutants of a module: mutmut's operators, applied to everything in it that can decide something.

mutmut itself leaves out decorated functions and all that stands outside of functions: here these are the limits of
the guard, the length of an approval, the lock (a context manager) and every property. So its operators are used,
and the mutants are whole modules.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Mutant:
    """A module with one change, and the change in one line."""

    line: int
    before: str
    after: str
    source: str


class _Nodes(cst.CSTVisitor):
    """Collects what may be changed: neither what only a type checker reads, nor imports, nor decorators."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Import | cst.ImportFrom | cst.Decorator):
            return False
        if isinstance(node, cst.If) and isinstance(node.test, cst.Name) and node.test.value == "TYPE_CHECKING":
            return False
        position = self.get_metadata(PositionProvider, node, None)
        if position is not None:
            self.found.append((position.start.line, node))
        return True


def mutants(source: str) -> Iterator[Mutant]:
    """Yield each module that differs from this one by one change, and that is another program."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    nodes = _Nodes()
    wrapper.visit(nodes)
    seen = {ast.dump(ast.parse(source))}
    for line, node in nodes.found:
        for kind, operator in mutation_operators:
            for changed in operator(node) if isinstance(node, kind) else ():
                mutated = wrapper.module.deep_replace(node, changed).code
                try:
                    tree = ast.dump(ast.parse(mutated))
                except SyntaxError:
                    continue
                if tree not in seen:
                    seen.add(tree)
                    yield Mutant(line, *_change(source, mutated), mutated)


def _change(source: str, mutated: str) -> tuple[str, str]:
    """Return the lines that differ, each side in one line."""
    before, after = source.splitlines(), mutated.splitlines()
    start = next(i for i, pair in enumerate(zip([*before, ""], [*after, ""], strict=False)) if pair[0] != pair[1])
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    sides = (lines[start : len(lines) - end] for lines in (before, after))
    first, second = (" ".join(" ".join(side).split()) for side in sides)
    return first, second
