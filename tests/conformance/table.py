"""Writes the scenarios and what is out of scope into the documentation: ``python -m tests.conformance.table``.

Run so, every scenario is played on the embedded engine first, and a result that is not the promised one is said and
ends it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conformance import record
from tests.conformance.compare import differences, judge
from tests.conformance.play import Player
from tests.conformance.scenarios import GROUPS, SCENARIOS
from voiceid_optout.state import OutOfScope

if TYPE_CHECKING:
    from tests.conformance.scenario import Scenario

DOCUMENT = Path(__file__).parents[2] / "docs" / "engines.md"
_TABLE = re.compile(r"(?<=<!-- scenarios -->\n).*(?=<!-- end of scenarios -->)", re.DOTALL)
_SCOPE = re.compile(r"(?<=<!-- out of scope -->\n).*(?=<!-- end of out of scope -->)", re.DOTALL)


def renewed(text: str) -> str:
    """Return the document with today's tables."""
    return _SCOPE.sub(lambda _: _out_of_scope(), _TABLE.sub(lambda _: _table(), text))


def meant(refused: str) -> OutOfScope:
    """Return what the words of a refusal stand for."""
    kinds = {re.escape(kind.words).replace(r"\{\}", ".+"): kind for kind in OutOfScope}
    # The most words first: `{} of {}` fits many.
    return next(kinds[words] for words in sorted(kinds, key=_said, reverse=True) if re.fullmatch(words, refused))


def _said(words: str) -> int:
    return len(words.replace(".+", ""))


def _out_of_scope() -> str:
    shown: dict[OutOfScope, list[str]] = {}
    for name, scenario in SCENARIOS.items():
        if scenario.refused is not None:
            shown.setdefault(meant(scenario.refused), []).append(f"`{name}`")
    lines = ["", "| What is meant | The refusal begins | Scenario |", "| --- | --- | --- |"]
    for kind in OutOfScope:
        words = kind.words.replace("{}", "…")
        lines.append(f"| {kind.about} | «{words}» | {', '.join(shown.get(kind, [])) or 'none'} |")
    return "\n".join(lines) + "\n\n"


def _table() -> str:
    turns = sum(len(scenario.turns) for scenario in SCENARIOS.values())
    versions = ", ".join(sorted({record.cli(name) for name in SCENARIOS}))
    lines = [f"{len(SCENARIOS)} scenarios, {turns} runs; the Pulumi CLI's results are those of {versions}.", ""]
    for title, group in GROUPS.items():
        lines += [
            f"### {title}",
            "",
            "| Scenario | What happens | Runs | Embedded engine |",
            "| --- | --- | --- | --- |",
        ]
        lines += [_row(scenario) for scenario in group]
        lines += [""]
    return "\n" + "\n".join(lines)


def _row(scenario: Scenario) -> str:
    runs = ", ".join(turn.operation.value for turn in scenario.turns)
    return f"| `{scenario.name}` | {scenario.about} | {runs} | {_verdict(scenario)} |"


def _verdict(scenario: Scenario) -> str:
    if scenario.refused is not None:
        return f"refused: «{scenario.refused}»".replace("|", "\\|")
    reasons = dict.fromkeys(item.reason for item in scenario.allowed)
    return "the same" + (f", but for: {'; '.join(reasons)}" if reasons else "")


def _play(root: Path) -> bool:
    """Play everything on the embedded engine; returns whether each result is the promised one."""
    player = Player.embedded(root)
    good = True
    for name, scenario in SCENARIOS.items():
        turns = record.read(name)
        played = player.play(scenario, record.exports(turns))
        if scenario.refused is not None:
            kept = scenario.refused in "".join(played[0]["errors"])
        else:
            verdict = judge(scenario, differences(turns, played))
            kept = not (verdict.unexpected or verdict.unneeded)
        print(f"{'ok  ' if kept else 'FAIL'} {name}", flush=True)
        good = good and kept
    return good


def main() -> None:
    """Play, then write."""
    with tempfile.TemporaryDirectory() as folder:
        if not _play(Path(folder)):
            sys.exit("the documentation stays as it was")
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
