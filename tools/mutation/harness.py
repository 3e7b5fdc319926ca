"""Runs a module's tests with another text in its place, in a process forked from one that has imported the rest.

A start of pytest takes longer than most of these tests, so a mutant is run where all is imported already: only what
was imported from the mutated module is imported anew. The tests that run the changed line go first.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import importlib
import importlib.abc
import importlib.util
import inspect
import json
import marshal
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zlib
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.machinery import ModuleSpec
    from types import FrameType

    import pytest

    from tools.mutation.mutants import Mutant

ROOT = Path(__file__).parents[2]
OWN = ("voiceid_optout", "providers", "tests", "tools")


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module from a text."""

    def __init__(self, module: str, source: str) -> None:
        self.name = ".".join(Path(module).with_suffix("").parts).removesuffix(".__init__")
        self.path = str(ROOT / module)
        self._source = source

    def take_the_place_of(self, old: set[str]) -> None:
        """Forget what was imported from the module, so that it is imported anew, and from this text."""
        sys.meta_path.insert(0, self)
        for name in old & {*sys.modules}:
            package, _, last = name.rpartition(".")
            if package in sys.modules and hasattr(sys.modules[package], last):
                delattr(sys.modules[package], last)
            del sys.modules[name]

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_source(self, _: str) -> str:
        return self._source

    def is_package(self, _: str) -> bool:
        return self.path.endswith("__init__.py")


def _pytest(*arguments: str, plugin: object = None) -> int:
    import pytest  # noqa: PLC0415 - only where tests run

    options = [
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "--assert=plain",
        "--tb=no",
        "--no-summary",
        "--hypothesis-seed=0",
    ]
    return int(pytest.main([*arguments, *options], plugins=[plugin] if plugin else None))


class _Watch:
    """Notes which tests run which lines of a module, and how long they take."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lines: set[int] = set()
        self.tests: dict[str, tuple[float, list[int]]] = {}

    def _trace(self, frame: FrameType, _event: str, _arg: object) -> Any:
        if frame.f_code.co_filename != self._path:
            return None
        self._lines.add(frame.f_lineno)
        return self._trace

    def pytest_runtest_logstart(self) -> None:
        self._lines, self._begun = set(), time.monotonic()
        threading.settrace(self._trace)
        sys.settrace(self._trace)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        sys.settrace(None)
        self.tests[nodeid] = (time.monotonic() - self._begun, sorted(self._lines))


class _Order:
    """Runs the tests first that run a line, the shortest of them at once."""

    def __init__(self, tests: Mapping[str, tuple[float, list[int]]], line: int) -> None:
        near = max((one for _, lines in tests.values() for one in lines if one <= line), default=0)
        self._ranks = {test: seconds for test, (seconds, lines) in tests.items() if near in lines}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self._ranks.get(item.nodeid, float("inf")))


def _imported(tests: list[str], file: Path) -> None:
    """Write down what a test file imports."""
    _pytest("--collect-only", *tests)
    names = [name for name in list(sys.modules) if name.split(".")[0] not in {"__main__", "__mp_main__"}]
    file.write_text(json.dumps(names), encoding="utf-8")


def _watched(found: _Instead, old: set[str], tests: list[str], file: Path) -> int:
    """Run the tests without a change, and write down which run which lines."""
    found.take_the_place_of(old)
    watch = _Watch(found.path)
    code = _pytest(*tests, plugin=watch)
    file.write_text(json.dumps(watch.tests), encoding="utf-8")
    return code


def _careful(cpu: int) -> None:
    """Let a mutant neither run for ever nor send signals to others."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
    kill = os.kill

    def careful(pid: int, number: int) -> None:
        if number and os.getpgid(pid) != os.getpgrp():
            raise RuntimeError("a mutant would send a signal to somebody else")
        kill(pid, number)

    os.kill = careful


def _mutated(found: _Instead, old: set[str], tests: list[str], order: _Order, cpu: int) -> int:
    _careful(cpu)
    found.take_the_place_of(old)
    return _pytest(*tests, plugin=order)


def _swapped(found: _Instead, codes: dict[str, CodeType], tests: list[str], order: _Order, cpu: int) -> int:
    """Run the tests with other code in the functions that are there: nothing needs to be imported anew."""
    _careful(cpu)
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename == found.path:
            one.__code__ = codes.get(one.__code__.co_qualname, one.__code__)
    return _pytest(*tests, plugin=order)


def changed_functions(path: str, before: str, after: str) -> dict[str, CodeType] | None:
    """Return the functions that differ, by their qualified names; None if more than these does."""
    codes: dict[str, CodeType] = {}
    pairs = [(compile(before, path, "exec", dont_inherit=True), compile(after, path, "exec", dont_inherit=True))]
    for old, new in pairs:
        if (old.co_code, old.co_names, len(old.co_consts)) != (new.co_code, new.co_names, len(new.co_consts)):
            return None
        for one, other in zip(old.co_consts, new.co_consts, strict=True):
            if not isinstance(one, CodeType) or not isinstance(other, CodeType):
                if (type(one), one) != (type(other), other):
                    return None
            elif not one.co_flags & inspect.CO_OPTIMIZED:  # the body of a class
                pairs.append((one, other))
            elif marshal.dumps(one) != marshal.dumps(other):
                if other.co_qualname in codes or one.co_freevars != other.co_freevars:
                    return None
                codes[other.co_qualname] = other
    return codes


def _dependents(changed: str) -> set[str]:
    """Return a module and all that were imported from it, directly or not."""
    needing: dict[str, set[str]] = {}
    for name, one in list(sys.modules.items()):
        if name.split(".")[0] in OWN and getattr(one, "__file__", None):
            for needed in _needed(name, Path(str(one.__file__))):
                needing.setdefault(needed, set()).add(name)
    old, left = set[str](), [changed]
    while left:
        name = left.pop()
        if name not in old:
            old.add(name)
            left += needing.get(name, ())
    return old


def _needed(name: str, file: Path) -> set[str]:
    """Return the modules that one imports, the packages it lies in among them."""
    parts = name.split(".")
    found = {".".join(parts[:end]) for end in range(1, len(parts))}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return {".".join(one.split(".")[:end]) for one in found for end in range(1, len(one.split(".")) + 1)}


def _forked(what: Any, *arguments: Any, idle: float = 20) -> int | None:
    """Call something in a process of its own, quietly; returns its exit code, or None if it did not end.

    It has not ended where it was killed, or did next to nothing for ``idle`` seconds: it waits for what never is.
    """
    with tempfile.TemporaryDirectory() as folder:
        child = os.fork()
        if child == 0:
            _run_quietly(folder, what, *arguments)
        begun, spent = time.monotonic(), 0.0
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            time.sleep(0.01)
            if time.monotonic() - begun > idle:
                before, spent, begun = spent, _spent(child), time.monotonic()
                if spent - before < 0.01 * idle:
                    os.killpg(child, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(ended[1]) if os.WIFEXITED(ended[1]) else None


def _run_quietly(folder: str, what: Any, *arguments: Any) -> None:
    code = 1
    try:
        os.setsid()
        quiet = os.open(os.devnull, os.O_RDWR | os.O_APPEND)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        os.environ |= {"TMPDIR": folder, "HYPOTHESIS_STORAGE_DIRECTORY": folder}
        tempfile.tempdir = folder
        code = what(*arguments) or 0
    except BaseException:  # noqa: BLE001 - the child ends here, whatever it was
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _spent(process: int) -> float:
    """Return the processor time of a process, and of the processes that it has waited for."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _refused_by_mypy(module: str, source: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        shadow = Path(folder, "mutant.py")
        shadow.write_text(source, encoding="utf-8")
        # Mypy takes a file of the same size and second for the one before, and most mutants are of the same size.
        os.utime(shadow, (zlib.crc32(source.encode()),) * 2)
        cache = ["--cache-dir", str(ROOT / "build" / "mypy-of-mutants")]
        command = [sys.executable, "-m", "mypy", *cache, "--shadow-file", module, str(shadow), module]
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1


def measure(module: str, tests: list[str]) -> tuple[int, int, list[Mutant]]:
    """Return how many mutants a module has, how many only mypy refuses, and those that survive."""
    from hypothesis import Phase, settings  # noqa: PLC0415 - only where tests run

    from tools.mutation.mutants import mutants  # noqa: PLC0415 - its libraries are in an environment of their own

    source = (ROOT / module).read_text(encoding="utf-8")
    hashlib.pbkdf2_hmac = lru_cache(hashlib.pbkdf2_hmac)  # type: ignore[assignment] - a third of a second each
    # No test is to look for the smallest example that fails: nobody reads it, and it takes half a minute.
    settings.register_profile("mutants", deadline=None, phases=(Phase.explicit, Phase.generate))
    with tempfile.TemporaryDirectory() as folder:
        names, watched = Path(folder, "names"), Path(folder, "watched")
        _forked(_imported, tests, names)
        for name in json.loads(names.read_text(encoding="utf-8")):
            with suppress(Exception):
                importlib.import_module(name)
            settings.load_profile("mutants")  # each time, for tests/conftest.py loads its own
        unchanged = _Instead(module, source)
        old = _dependents(unchanged.name)
        if _forked(_watched, unchanged, old, tests, watched) != 0:
            sys.exit(f"{tests[0]} fails without any change")
        times = json.loads(watched.read_text(encoding="utf-8"))
    begun = _processor_time()
    if _forked(_mutated, unchanged, old, tests, _Order(times, 0), 300) != 0:
        sys.exit(f"{tests[0]} fails without any change")
    cpu = int(4 + 4 * (_processor_time() - begun))
    broken = _Instead(module, "raise RuntimeError\n")
    if _forked(_mutated, broken, old, tests, _Order(times, 0), 300) == 0:
        sys.exit(f"{tests[0]} does not run the module that is put in the place of {module}")
    found, survivors = list(mutants(source)), []
    for number, mutant in enumerate(found, 1):
        changed, order = _Instead(module, mutant.source), _Order(times, mutant.line)
        codes = changed_functions(changed.path, source, mutant.source)
        if codes is not None and _forked(_swapped, changed, codes, tests, order, cpu) != 0:
            noticed = True
        else:
            noticed = _forked(_mutated, changed, old, tests, order, cpu) != 0
        if not noticed:
            survivors.append(mutant)
            print(f"{module}:{mutant.line}: - {mutant.before}\n{'':{len(module)}}  + {mutant.after}", flush=True)
        if number % 50 == 0:
            print(f"  {number} of {len(found)}, {len(survivors)} not noticed by tests", flush=True)
    if _refused_by_mypy(module, source):
        sys.exit(f"mypy refuses {module} without any change")
    refused = [_refused_by_mypy(module, one.source) for one in survivors]
    return len(found), sum(refused), [one for one, no in zip(survivors, refused, strict=True) if not no]
