"""``python -m tools.mutation [MODULE ...]``: which changes of the modules that protect people do the tests notice?

Each mutant runs against the test file of its module alone, in a process forked from one that has imported the
libraries. What no test notices is shown to mypy, which every change must pass too. The counts are kept in
results.json, a survivor needs a reason in survivors.toml, and docs/reliability.md is made from both: ``--page``
does only that. A module whose code and tests are those of its counts is skipped; ``--again`` repeats it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import re
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.mutation.harness import ROOT, measure

if TYPE_CHECKING:
    from collections.abc import Mapping

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
_SECTION = re.compile(r"(?<=<!-- mutants -->\n).*(?=<!-- end of mutants -->)", re.DOTALL)

Result = dict[str, Any]
ALSO = {"voiceid_optout/state/backend.py": ["tests/state/test_locks.py"]}  # tests of another name


def tests_of(module: str) -> list[str]:
    """Return the test files that mirror a module: test_journal.py, and beside it test_journal_file.py."""
    path = Path(module)
    stem = path.parent.name if path.name == "__init__.py" else path.stem
    folder = ROOT / Path("tests", *path.parent.parts[1:])
    found = [folder / f"test_{stem}.py", *sorted(folder.glob(f"test_{stem}_*.py"))]
    return [*(one.relative_to(ROOT).as_posix() for one in found), *ALSO.get(module, ())]


def state_of(module: str) -> str:
    """Return a digest of a module and its tests: with others the counts are void."""
    texts = [(ROOT / path).read_bytes() for path in (module, *tests_of(module))]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


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
    state = state_of(module)
    count, refused, survivors = measure(module, tests_of(module))
    result: Result = {"state": state, "date": time.strftime("%Y-%m-%d", time.gmtime())}
    result |= {"mutants": count, "mypy": refused}
    result["survivors"] = [{"line": one.line, "before": one.before, "after": one.after} for one in survivors]
    results, _ = read()
    kept = {**results, module: result}
    RESULTS.write_text(
        json.dumps({one: kept[one] for one in MODULES if one in kept}, indent=1) + "\n", encoding="utf-8"
    )
    print(f"{module}: {share(result):.1f} % of {result['mutants']} noticed", flush=True)


if __name__ == "__main__":
    sys.exit(main())
