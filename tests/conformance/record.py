"""Writes down what the Pulumi CLI does: ``python -m tests.conformance.record [SCENARIO ...]``, the CLI on PATH."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conformance.play import Player
from tests.conformance.scenarios import SCENARIOS

if TYPE_CHECKING:
    from tests.conformance.play import Export, Observed
    from tests.conformance.scenario import Scenario

FOLDER = Path(__file__).parent / "recorded"


def read(name: str) -> list[Observed]:
    """Return the CLI's turns of a scenario as recorded."""
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    turns: list[Observed] = document["turns"]
    return turns


def exports(turns: list[Observed]) -> list[Export]:
    """Return the states the CLI exported on the way."""
    return [turn["export"] for turn in turns if "export" in turn]


def cli(name: str) -> str:
    """Return the version of the CLI that a scenario was recorded with."""
    document: dict[str, str] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return document["cli"]


def write(scenario: Scenario, turns: list[Observed], version: str) -> None:
    """Keep what the CLI did in a scenario."""
    document = {"scenario": scenario.name, "cli": version, "turns": turns}
    text = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True)
    (FOLDER / f"{scenario.name}.json").write_text(text + "\n", encoding="utf-8")


def official_version() -> str:
    """Return what the CLI on PATH calls itself."""
    said = subprocess.run(["pulumi", "version"], capture_output=True, text=True, check=True)
    return said.stdout.strip()


def main(names: list[str]) -> None:
    for stale in FOLDER.glob("*.json"):
        if stale.stem not in SCENARIOS:
            stale.unlink()
    version = official_version()
    with tempfile.TemporaryDirectory() as folder:
        player = Player.official(Path(folder))
        for scenario in [SCENARIOS[name] for name in names] if names else SCENARIOS.values():
            began = time.monotonic()
            write(scenario, player.play(scenario), version)
            print(f"{scenario.name}: {len(scenario.turns)} turns, {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
