"""Plays a scenario on an engine and returns what was observed, fit to be compared and recorded."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from tests.conformance import normal
from tests.conformance.scenario import GREETING, THREE
from tests.engine.bench import PASSPHRASE, SALT, Bench, urn
from voiceid_optout.cli.running import to_json
from voiceid_optout.engine import EMBEDDED, program_providers
from voiceid_optout.engine.embedded.engine import EmbeddedEngine
from voiceid_optout.engine.interface import ASKS_SERVICE, WRITES_STATE
from voiceid_optout.engine.official import OfficialEngine
from voiceid_optout.state import StackError, passphrase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.conformance.scenario import Scenario, Turn
    from voiceid_optout.engine.interface import Engine

FIXED = {"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"}

Observed = dict[str, Any]
Export = dict[str, Any]


@functools.cache
def _crypter(salt: str) -> passphrase.Crypter:
    return passphrase.open_with(PASSPHRASE, salt)


class Player:
    """Plays scenarios on one engine in folders under ``root``. Starts are played once and copied."""

    def __init__(self, engine: Engine, root: Path) -> None:
        self.engine = engine
        self.root = root
        self._starts: dict[str, Bench] = {}
        self._number = 0

    @classmethod
    def embedded(cls, root: Path) -> Player:
        return cls(EmbeddedEngine(), root)

    @classmethod
    def official(cls, root: Path) -> Player:
        return cls(OfficialEngine(program_providers), root)

    def play(self, scenario: Scenario, exports: Sequence[Export] = ()) -> list[Observed]:
        """Play all turns; one observation each. ``exports`` are what the CLI exported where the state is moved."""
        bench = self.begin(scenario)
        moves = iter(exports)
        observed = []
        for turn in scenario.turns:
            export = self._move(bench, moves) if turn.moved else None
            observed.append(self.turn(bench, turn, ordered=scenario.ordered))
            if export is not None:
                observed[-1]["export"] = export
        return observed

    def _move(self, bench: Bench, exports: Iterator[Export]) -> Export:
        """Bring the state into an empty backend by way of the CLI's export; returns the export."""
        if self.engine.name == EMBEDDED:
            given = next(exports)
            document = {
                "version": given["version"],
                "checkpoint": {"stack": "organization/sample/dev", "latest": given["deployment"]},
            }
            bench.backend.state_file.write_text(json.dumps(document), encoding="utf-8")
            return given
        path = bench.root.parent / "export.json"
        bench.cli("stack", "export", "--show-secrets", "--file", str(path))
        export: Export = normal.export(json.loads(path.read_bytes()))
        sealed = {**export["deployment"], "secrets_providers": {"type": "passphrase", "state": {"salt": SALT}}}
        path.write_text(json.dumps({**export, "deployment": sealed}), encoding="utf-8")
        bench.cli("stack", "rm", "--force", "--yes", "--preserve-config")
        bench.cli("stack", "init", "dev")
        bench.config(GREETING)
        bench.cli("stack", "import", "--file", str(path))
        return export

    def begin(self, scenario: Scenario) -> Bench:
        """Return a project as the scenario finds it."""
        key = repr(scenario.start)
        if key not in self._starts:
            bench = self._new()
            for turn in scenario.start:
                seen = self.turn(bench, turn)
                if seen["result"] != "succeeded":
                    raise AssertionError(f"the start of {scenario.name} fails: {seen['errors']}")
            self._starts[key] = bench
        return self._starts[key].copy(self._folder())

    def _folder(self) -> Path:
        self._number += 1
        folder = self.root / str(self._number)
        folder.mkdir(parents=True)
        return folder / "sample"

    def _new(self) -> Bench:
        bench = Bench.make(self._folder())
        bench.want(**THREE)
        bench.config(GREETING)
        return bench

    def turn(self, bench: Bench, turn: Turn, *, ordered: bool = False) -> Observed:
        """Play one turn and observe it."""
        self._prepare(bench, turn)
        before, calls = _document(bench), len(bench.calls())
        past = _history(bench)
        events: list[Any] = []
        request = bench.request(
            environment={**FIXED, "PULUMI_HOME": str(self.root / "pulumi-home"), **turn.environment},
            refresh=turn.refresh,
            targets=tuple(urn(name) if "::" not in name else normal.URN_PREFIX + name for name in turn.targets),
            continue_on_error=turn.continue_on_error,
        )
        try:
            outcome = self.engine.run(turn.operation, request, lambda event: events.append(to_json(event)))
            result, errors = outcome.result.value, outcome.errors
        except StackError as error:  # refused before it began
            result, errors = "refused", (str(error),)
        after = _document(bench)
        observed: Observed = {
            "operation": turn.operation.value,
            "result": result,
            "errors": normal.errors(errors, bench.root),
            "calls": normal.calls(
                bench.calls()[calls:],
                ordered=ordered,
                refreshed=turn.refresh or turn.operation in ASKS_SERVICE,
            ),
            "steps": normal.steps(events, ordered=ordered),
            "history": [item for name, item in _history(bench).items() if name not in past],
        }
        if turn.operation in WRITES_STATE:
            observed["state"] = after and normal.state(after, before, _crypter(_salt(after)).decrypt)
        elif _resources(after) != _resources(before):
            observed["state"] = "written by a run that only looks"
        if any(bench.backend.lock_folder.glob("*")):
            observed["lock"] = "left behind"
        return observed

    def _prepare(self, bench: Bench, turn: Turn) -> None:
        if turn.wants is not None:
            bench.want(**turn.wants)
        if turn.config is not None:
            bench.config(turn.config)
        bench.faults(turn.faults)
        for id_, status in turn.drift.items():
            bench.drift(id_, status)
        if turn.edit is not None:
            edit(bench, turn.edit)


def edit(bench: Bench, change: Callable[[Any], None]) -> None:
    """Change the deployment in the state file."""
    document = bench.document()
    change(document["checkpoint"]["latest"])
    bench.backend.state_file.write_text(json.dumps(document), encoding="utf-8")


def _resources(document: Any) -> Any:
    """Return the resources of a state file; a stack that was only made has none, like one without a file."""
    return (document["checkpoint"].get("latest") or {}).get("resources", []) if document else []


def _salt(document: Any) -> str:
    latest = document["checkpoint"]["latest"]
    return str(latest.get("secrets_providers", {}).get("state", {}).get("salt", SALT))


def _document(bench: Bench) -> Any:
    return bench.document() if bench.backend.state_file.exists() else None


def _history(bench: Bench) -> dict[str, Any]:
    folder = bench.backend.root / ".pulumi" / "history" / "sample" / "dev"
    found = {}
    for path in sorted(folder.glob("*.history.json")):
        entry = json.loads(path.read_bytes())
        found[path.name] = {key: entry.get(key) for key in ("kind", "result", "resourceChanges", "version")}
    return found
