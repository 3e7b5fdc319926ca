"""A project folder with a real program and provider, to be run by either engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voiceid_optout.cli.running import to_json
from voiceid_optout.engine.embedded.engine import EmbeddedEngine
from voiceid_optout.engine.interface import Operation, Outcome, Request, Result
from voiceid_optout.files import read_json
from voiceid_optout.state import passphrase
from voiceid_optout.state.backend import Backend
from voiceid_optout.state.checkpoint import Checkpoint, parse
from voiceid_optout.state.passphrase import Crypter

if TYPE_CHECKING:
    from voiceid_optout.state.resource import ResourceState

SAMPLE = Path(__file__).parent / "sample"
REPOSITORY = Path(__file__).parents[2]
PASSPHRASE = "x"
SALT = "v1:zeeTAmGPr+k=:v1:xLnz+7Nf9kYrYFbj:qf6pMaqpsdqlrKbOdWi1MSwJ8ix72g=="  # of the passphrase x
SEALED = Crypter(
    SALT, bytes.fromhex("3202beec2b7b62e0820d6edf65ce5e46992405f27fb41cae81bbab93dcbf95e5")
)  # as derived: tests/state
THING = "pulumi-python:dynamic/sample:Thing"

Wishes = Mapping[str, Mapping[str, Any]]


def urn(name: str, type_: str = THING) -> str:
    return f"urn:pulumi:dev::sample::{type_}::{name}"


@dataclass(frozen=True)
class Ran:
    """What a run did: its outcome, its events, and the provider calls it made."""

    outcome: Outcome
    events: list[dict[str, Any]] = field(repr=False)
    calls: list[dict[str, Any]]

    @property
    def ok(self) -> bool:
        return self.outcome.result is Result.SUCCEEDED

    @property
    def errors(self) -> str:
        return "\n".join(self.outcome.errors)

    def steps(self, kind: str = "resOutputsEvent") -> list[tuple[str, str]]:
        """Operation and name of every step that ended well, in order."""
        found = [event[kind]["metadata"] for event in self.events if kind in event]
        return [(item["op"], item["urn"].split("::")[-1]) for item in found if ":dynamic/" in item["urn"]]

    @property
    def changes(self) -> dict[str, int]:
        """What the summary counts."""
        found: dict[str, int] = next(
            item["summaryEvent"]["resourceChanges"] for item in self.events if "summaryEvent" in item
        )
        return found

    def said(self, severity: str) -> str:
        items = [event["diagnosticEvent"] for event in self.events if "diagnosticEvent" in event]
        return "\n".join(item["message"] for item in items if item["severity"] == severity)

    def made(self, *methods: str) -> list[tuple[str, str]]:
        """Method and name of the provider calls, sorted; those that change something unless asked otherwise."""
        wanted = methods or ("create", "update", "delete")
        return sorted((call["method"], call["name"]) for call in self.calls if call["method"] in wanted)


class Bench:
    """One project in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cloud = root.parent / f"{root.name}-cloud"
        self.environment = {"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE, "SAMPLE_CLOUD": str(self.cloud)}
        self.backend = Backend(root / "state", "sample", "dev")

    @classmethod
    def make(cls, root: Path) -> Bench:
        bench = cls(root)
        shutil.copytree(SAMPLE, root, ignore=shutil.ignore_patterns("__pycache__"))
        bench.cloud.mkdir()
        bench.backend.root.mkdir()
        bench.write(
            "Pulumi.yaml", f"name: sample\nruntime:\n  name: python\n  options:\n    virtualenv: {sys.prefix}\n"
        )
        bench.config()
        bench.faults()
        bench.want(s0={}, s1={}, s2={})
        return bench

    def copy(self, root: Path) -> Bench:
        shutil.copytree(self.root, root)
        other = Bench(root)
        shutil.copytree(self.cloud, other.cloud)
        return other

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.write_text(text, encoding="utf-8")
        return path

    def config(self, text: str = "sample:greeting: hello\n") -> None:
        indented = "".join(f"  {line}\n" for line in text.splitlines())
        self.write("Pulumi.dev.yaml", f"encryptionsalt: {SALT}\nconfig:\n{indented}")

    def want(self, **wishes: Mapping[str, Any]) -> None:
        self.write("wanted.json", json.dumps(wishes))

    def faults(self, faults: Mapping[str, Any] | None = None) -> None:
        (self.cloud / "faults.json").write_text(json.dumps(faults or {}), encoding="utf-8")

    def hold(self, call: str) -> Path:
        """Let this call, `method:name`, take as long as the file that is returned is there."""
        (self.cloud / "hold").touch()
        self.faults({call: {"hold": "hold"}})
        return self.cloud / "hold"

    def objects(self) -> dict[str, str]:
        """What exists in the cloud: status by id."""
        return {path.stem: path.read_text(encoding="utf-8") for path in sorted(self.cloud.glob("*.object"))}

    def drift(self, id_: str, status: str | None) -> None:
        """Change an object behind everyone's back; None removes it."""
        path = self.cloud / f"{id_}.object"
        path.unlink() if status is None else path.write_text(status, encoding="utf-8")

    def calls(self) -> list[dict[str, Any]]:
        path = self.cloud / "calls.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def request(self, **options: Any) -> Request:
        options.setdefault("refresh", False)
        options.setdefault("trust_state", True)  # the sample's provider is none of ours
        environment = {**self.environment, **options.pop("environment", {})}
        return Request(root=self.root, stack="dev", backend=self.backend.root, environment=environment, **options)

    def run(self, operation: str | Operation, on_event: Callable[[Any], None] | None = None, **options: Any) -> Ran:
        before = len(self.calls())
        events: list[dict[str, Any]] = []

        def keep(event: Any) -> None:
            events.append(to_json(event))
            if on_event is not None:
                on_event(event)

        outcome = EmbeddedEngine().run(Operation(operation), self.request(**options), keep)
        return Ran(outcome, events, self.calls()[before:])

    def up(self, **options: Any) -> Ran:
        return self.run(Operation.UP, **options)

    def cli(self, *arguments: str, rc: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the Pulumi CLI; ``rc`` None takes any exit status."""
        home = self.root.parent / "pulumi-home"
        variables = {
            **os.environ,
            **self.environment,
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": f"file://{self.backend.root}",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_STACK": "dev",
            "PULUMI_DEBUG_COMMANDS": "true",
            **environment,
        }
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.root,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if rc is not None:
            assert done.returncode == rc, done.stdout + done.stderr
        return done

    def official(self, operation: str, **options: Any) -> Ran:
        """Do an operation with the CLI; the outcome tells only whether its exit status was zero."""
        flags = {
            "up": ["--yes", "--skip-preview"],
            "refresh": ["--yes", "--skip-preview"],
            "preview": [],
            "destroy": ["--yes", "--skip-preview"],
        }
        arguments = [operation, *flags[operation]]
        if options.get("refresh"):
            arguments.append("--refresh")
        if options.get("continue_on_error"):
            arguments.append("--continue-on-error")
        for target in options.get("targets", ()):
            arguments += ["--target", target]
        log = self.root.parent / "events.jsonl"
        log.unlink(missing_ok=True)
        before = len(self.calls())
        done = self.cli(*arguments, "--event-log", str(log), rc=None, **options.get("environment", {}))
        events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
        result = Result.SUCCEEDED if done.returncode == 0 else Result.FAILED
        return Ran(Outcome(result, (done.stdout + done.stderr,)), events, self.calls()[before:])

    def document(self) -> Any:
        return read_json(self.backend.state_file.read_bytes())

    def checkpoint(self) -> Checkpoint:
        raw = parse(self.backend.state_file.read_bytes(), "state")
        crypter = SEALED if raw.salt in (SALT, None) else passphrase.open_with(PASSPHRASE, raw.salt)
        return raw.open(crypter.decrypt)

    def things(self) -> dict[str, ResourceState]:
        """The state's dynamic resources by name."""
        return {item.urn.split("::")[-1]: item for item in self.checkpoint().resources if ":dynamic/" in item.urn}

    def stack(self) -> ResourceState:
        """The state's stack."""
        return next(item for item in self.checkpoint().resources if item.type == "pulumi:pulumi:Stack")

    def provider(self) -> ResourceState:
        """The state's default provider."""
        return next(item for item in self.checkpoint().resources if item.is_provider)

    def status(self) -> dict[str, Any]:
        return {name: item.outputs.get("status") for name, item in self.things().items()}


def unmeasured() -> dict[str, str]:
    """Return the environment without coverage's part: a process on a full disk must not write a report there."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
