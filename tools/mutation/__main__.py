"""``python -m tools.mutation [MODULE ...]``: which changes of the modules that protect people do the tests notice?

Each mutant runs against the test file of its module alone, in a process forked from one that has imported the
libraries. What no test notices is shown to mypy, which every change must pass too. The counts are kept in
results.json, a survivor needs a reason in survivors.toml, and docs/reliability.md is made from both: ``--page``
does only that. A module whose code and tests are those of its counts is skipped; ``--again`` repeats it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.abc
import importlib.util
import json
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.machinery import ModuleSpec

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("results.json")
SURVIVORS = Path(__file__).with_name("survivors.toml")
PAGE = ROOT / "docs" / "reliability.md"
LEAST = 95  # per cent
MODULES = {  # and what each protects
    "voiceid_optout/plan/guard.py": "the guard",
    "voiceid_optout/plan/__init__.py": "plans and their digest",
    "voiceid_optout/cli/verdict.py": "the verdict on a plan",
    "voiceid_optout/state/journal.py": "the journal of a run",
    "voiceid_optout/state/backend.py": "the state's files and locks",
    "voiceid_optout/service/auth/sigv4.py": "signatures of requests",
    "voiceid_optout/evidence/signing.py": "signatures of reports and receipts",
    "voiceid_optout/voiceid/direct.py": "signed calls without botocore",
    "voiceid_optout/voiceid/snapshot.py": "what is known of a domain",
}
OWN = ("voiceid_optout", "providers", "tests", "tools")
_SECTION = re.compile(r"(?<=<!-- mutants -->\n).*(?=<!-- end of mutants -->)", re.DOTALL)

Result = dict[str, Any]


def tests_of(module: str) -> str:
    """Return the test file that mirrors a module."""
    path = Path(module)
    stem = path.parent.name if path.name == "__init__.py" else path.stem
    return Path("tests", *path.parent.parts[1:], f"test_{stem}.py").as_posix()


def state_of(module: str) -> str:
    """Return a digest of a module and its tests: with others the counts are void."""
    texts = [(ROOT / path).read_bytes() for path in (module, tests_of(module))]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module from a text."""

    def __init__(self, module: str, source: str) -> None:
        self._name = ".".join(Path(module).with_suffix("").parts).removesuffix(".__init__")
        self._path = str(ROOT / module)
        self._source = source

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def get_source(self, _: str) -> str:
        return self._source

    def is_package(self, _: str) -> bool:
        return self._path.endswith("__init__.py")


def _pytest(*arguments: str) -> int:
    import pytest  # noqa: PLC0415 - in the child, or once before it is forked

    return int(
        pytest.main([*arguments, "-q", "-x", "-p", "no:cacheprovider", "--assert=plain", "--hypothesis-seed=0"])
    )


def _imported(tests: str, names: Path) -> None:
    """Write down which libraries a test file imports."""
    _pytest("--collect-only", tests)
    libraries = [name for name in list(sys.modules) if name.split(".")[0] not in (*OWN, "__main__", "__mp_main__")]
    names.write_text("\n".join(libraries), encoding="utf-8")


def _mutated(module: str, source: str, tests: str, cpu: int) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
    sys.meta_path.insert(0, _Instead(module, source))
    return _pytest(tests)


def _forked(seconds: float, what: Any, *arguments: Any) -> int | None:
    """Call something in a process of its own, quietly; returns its exit code, or None if it did not end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            quiet = os.open(os.devnull, os.O_RDWR | os.O_APPEND)
            for stream in (0, 1, 2):
                os.dup2(quiet, stream)
            with tempfile.TemporaryDirectory() as folder:
                os.environ |= {"TMPDIR": folder, "HYPOTHESIS_STORAGE_DIRECTORY": folder}
                tempfile.tempdir = folder
                code = what(*arguments) or 0
        except BaseException:  # noqa: BLE001 - the child ends here, whatever it was
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    late = threading.Timer(seconds, _kill, [child])
    late.start()
    _, status = os.waitpid(child, 0)
    late.cancel()
    late.join()
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else None


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _refused_by_mypy(module: str, source: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        shadow = Path(folder, "mutant.py")
        shadow.write_text(source, encoding="utf-8")
        cache = ["--cache-dir", str(ROOT / "build" / "mypy-of-mutants")]
        command = [sys.executable, "-m", "mypy", *cache, "--shadow-file", module, str(shadow), module]
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1


def measure(module: str) -> Result:
    """Run the mutants of a module, and return what became of them."""
    from tools.mutation.mutants import mutants  # noqa: PLC0415 - its libraries are in an environment of their own

    source, tests = (ROOT / module).read_text(encoding="utf-8"), tests_of(module)
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder, "names")
        _forked(600, _imported, tests, names)
        for name in names.read_text(encoding="utf-8").splitlines():
            with suppress(Exception):
                importlib.import_module(name)
    begun = time.monotonic()
    if _forked(600, _mutated, module, source, tests, 300) != 0:
        sys.exit(f"{tests} fails without any change")
    if _forked(600, _mutated, module, "raise RuntimeError\n", tests, 300) == 0:
        sys.exit(f"{tests} does not run the module that is put in the place of {module}")
    took = time.monotonic() - begun
    cpu = int(10 + 5 * took)
    found, survivors = list(mutants(source)), []
    for number, mutant in enumerate(found, 1):
        # Only processor time, or ten times of it on the wall, is too long: the machine may be busy.
        if _forked(10 * cpu, _mutated, module, mutant.source, tests, cpu) == 0:
            survivors.append(mutant)
            print(f"{module}:{mutant.line}: - {mutant.before}\n{'':{len(module)}}  + {mutant.after}", flush=True)
        if number % 50 == 0:
            print(f"  {number} of {len(found)}, {len(survivors)} not noticed by tests", flush=True)
    if _refused_by_mypy(module, source):
        sys.exit(f"mypy refuses {module} without any change")
    refused = [_refused_by_mypy(module, one.source) for one in survivors]
    left = [{"line": one.line, "before": one.before, "after": one.after} for one in survivors]
    return {
        "state": state_of(module),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "mutants": len(found),
        "mypy": sum(refused),
        "survivors": [one for one, no in zip(left, refused, strict=True) if not no],
    }


def unexplained(results: Mapping[str, Result], reasons: Mapping[str, Any]) -> list[str]:
    """Return the survivors without a reason, and the reasons without a survivor."""
    left = {(module, one["before"], one["after"]) for module in results for one in results[module]["survivors"]}
    told = {(module, one["before"], one["after"]) for module in reasons for one in reasons[module]}
    lines = [f"no reason: {module}: - {before} + {after}" for module, before, after in left - told]
    return sorted(
        [*lines, *(f"no survivor: {module}: - {before} + {after}" for module, before, after in told - left)]
    )


def share(result: Result) -> float:
    """Return how many per cent of the mutants were noticed."""
    return 100 * (1 - len(result["survivors"]) / result["mutants"])


def renewed(page: str, results: Mapping[str, Result], reasons: Mapping[str, Any]) -> str:
    """Return the page with the table of these counts, and with what survived."""
    text = "There are no counts yet. `make mutation` makes them.\n"
    if results:
        lines = ["| Module | Protects | Mutants | Noticed by tests | Refused by mypy | Survived | Noticed | Date |"]
        lines += ["| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"]
        for module, result in results.items():
            survived = len(result["survivors"])
            numbers = (result["mutants"], result["mutants"] - survived - result["mypy"], result["mypy"], survived)
            cells = [f"`{module}`", MODULES[module], *(f"{one:,}" for one in numbers)]
            lines.append(f"| {' | '.join(cells)} | {share(result):.1f} % | {result['date']} |")
        text = "\n".join([*lines, "", *_survivors(results, reasons)]) + "\n"
    return _SECTION.sub(lambda _: f"\n{text}\n", page)


def _survivors(results: Mapping[str, Result], reasons: Mapping[str, Any]) -> list[str]:
    told = {(module, one["before"], one["after"]): one["reason"] for module in reasons for one in reasons[module]}
    lines = ["### Mutants that survive", ""]
    for module, result in results.items():
        grouped: dict[str, list[str]] = {}
        for one in result["survivors"]:
            reason = told.get((module, one["before"], one["after"]), "no reason yet")
            grouped.setdefault(reason, []).append(f"  - ``{one['before']}`` becomes ``{one['after']}``")
        lines += [f"`{module}`:", ""] if grouped else []
        for reason, changes in grouped.items():
            lines += [f"- {reason}", *changes]
        lines += [""] if grouped else []
    return lines[:-1] if len(lines) > 2 else ["None survives."]  # noqa: PLR2004 - the title alone


def read() -> tuple[dict[str, Result], dict[str, Any]]:
    """Return the counts and the reasons, by module."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    reasons = tomllib.loads(SURVIVORS.read_text(encoding="utf-8")) if SURVIVORS.exists() else {}
    return {module: results[module] for module in MODULES if module in results}, reasons


def main() -> int:
    """Measure, write the page, and say what has no reason."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__)
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help="its path, or a part of it; all if none is named"
    )
    parser.add_argument("--again", action="store_true", help="repeat modules that have their counts")
    parser.add_argument("--page", action="store_true", help="only write docs/reliability.md from what is kept")
    given = parser.parse_args()
    named = [module for module in MODULES if not given.modules or any(part in module for part in given.modules)]
    for module in () if given.page else named:
        if given.again or read()[0].get(module, {}).get("state") != state_of(module):
            print(f"{module} ...", flush=True)
            # In a process of its own, for the libraries of one module's tests are none of another's.
            process = multiprocessing.get_context("fork").Process(target=_measure_and_keep, args=(module,))
            process.start()
            process.join()
            if process.exitcode:
                return 1
    results, reasons = read()
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), results, reasons), encoding="utf-8")
    faults = [
        f"{module}: {share(results[module]):.1f} % noticed" for module in results if share(results[module]) < LEAST
    ]
    faults += unexplained(results, reasons)
    print("\n".join(faults or ["every survivor has its reason"]))
    return 1 if faults else 0


def _measure_and_keep(module: str) -> None:
    result = measure(module)
    results, _ = read()
    kept = {**results, module: result}
    RESULTS.write_text(
        json.dumps({one: kept[one] for one in MODULES if one in kept}, indent=1) + "\n", encoding="utf-8"
    )
    print(f"{module}: {share(result):.1f} % of {result['mutants']} noticed", flush=True)


if __name__ == "__main__":
    sys.exit(main())
