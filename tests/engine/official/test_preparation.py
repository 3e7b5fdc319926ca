"""What happens to a state before the CLI gets it; with the CLI itself: tests/engine/test_hostile_state.py."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from pulumi.automation import CommandResult

from tests.engine.bench import PASSPHRASE, SALT, SEALED, Bench
from tests.engine.official.conftest import Perform, performer
from tests.engine.official.stand_in import Play, StandIn
from tests.state.states import thing
from voiceid_optout.engine import program_providers
from voiceid_optout.engine.interface import Operation, Request
from voiceid_optout.engine.official import inspect_state
from voiceid_optout.engine.official.command import Command, PulumiFailedError
from voiceid_optout.state import StackError, StackLockedError, StateError, UntrustedStateError, journal
from voiceid_optout.state.journal import EntryKind, JournalEntry
from voiceid_optout.state.project import Project
from voiceid_optout.state.trust import OURS

if TYPE_CHECKING:
    from collections.abc import Mapping


SIGNED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
BUCKET: dict[str, Any] = {"remote_backend": "s3://bucket"}


def document(provider: Any, speaker: Any = None, salt: str | None = SALT) -> dict[str, Any]:
    latest: dict[str, Any] = {
        "resources": [
            {
                "urn": "urn:pulumi:dev::sample::pulumi-python:dynamic/voiceid:OptedOutSpeaker::sp-0123456789abcdef",
                "inputs": {"__provider": provider, "speaker_id": speaker or {**SIGNED, "ciphertext": "v1:x"}},
                "propertyDependencies": {"__provider": []},
            }
        ]
    }
    if salt:
        latest["secrets_providers"] = {"type": "passphrase", "state": {"salt": salt}}
    return {"version": 3, "checkpoint": {"latest": latest}}


@dataclass
class Exporting:
    """A CLI that can do one thing: write what it was given where `stack export` shall write it."""

    content: bytes = b""
    stderr: str = ""
    calls: list[list[str]] = field(default_factory=list)

    def run(self, words: list[str], _folder: str, _environment: Mapping[str, str]) -> CommandResult:
        self.calls.append(words)
        if self.stderr:
            raise PulumiFailedError(CommandResult("", self.stderr, 1))
        Path(words[-1]).write_bytes(self.content)
        return CommandResult("", "", 0)


@dataclass
class Place:
    root: Path
    cli: Exporting = field(default_factory=Exporting)

    def write(self, content: Any, ending: str = ".json") -> None:
        folder = self.root / ".pulumi" / "stacks" / "sample"
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content).encode()
        (folder / f"dev{ending}").write_bytes(gzip.compress(text) if ending.endswith(".gz") else text)

    def inspect(self, operation: Operation = Operation.REFRESH, **options: Any) -> None:
        variables = {"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
        request = Request(root=self.root, stack="dev", backend=self.root, environment=variables, **options)
        inspect_state(
            operation, cast("Command", self.cli), request, Project(self.root, "sample", "."), program_providers
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_folder_without_a_state(place: Place) -> None:
    place.inspect()
    assert place.cli.calls == []


def test_our_own_are_let_through(place: Place) -> None:
    for text in OURS:
        place.write(document(text))
        place.inspect()
    place.write(document({**SIGNED, "ciphertext": SEALED.encrypt(json.dumps(min(OURS)))}))
    place.inspect()
    place.write(document({**SIGNED, "plaintext": json.dumps(min(OURS))}, salt=None))
    place.inspect()
    assert place.cli.calls == [], "the CLI is not started"


@pytest.mark.parametrize(
    ("provider", "salt"),
    [
        ("x", SALT),
        ({**SIGNED, "ciphertext": SEALED.encrypt('"x"')}, SALT),
        ({**SIGNED, "ciphertext": SEALED.encrypt(json.dumps(min(OURS)))}, None),  # under a key of a cloud
        ({"a": min(OURS)}, SALT),
    ],
)
def test_others_are_refused(place: Place, provider: Any, salt: str | None) -> None:
    place.write(document(provider, salt=salt))
    with pytest.raises(UntrustedStateError, match="::sp-0123456789abcdef"):
        place.inspect()
    place.inspect(trust_state=True)


@pytest.mark.parametrize(("ending", "options"), [(".json.gz", {}), (".json.zst", {}), ("", BUCKET)])
def test_what_is_no_plain_file_is_exported(place: Place, ending: str, options: dict[str, Any]) -> None:
    if ending:
        place.write(document("x"), ending)
    place.cli.content = json.dumps({"version": 3, "deployment": document("x")["checkpoint"]["latest"]}).encode()
    with pytest.raises(UntrustedStateError):
        place.inspect(**options)
    (words,) = place.cli.calls
    assert words[:4] == ["stack", "export", "--stack", "dev"]
    assert "--show-secrets" not in words
    assert not Path(words[-1]).exists()


def test_a_stack_that_is_not_there_yet(place: Place) -> None:
    place.cli.stderr = "error: no stack named 'dev' found"
    place.inspect(**BUCKET)


def test_an_export_that_fails(place: Place) -> None:
    place.cli.stderr = "error: access denied"
    with pytest.raises(StackError, match="access denied"):
        place.inspect(**BUCKET)


@pytest.mark.parametrize(
    ("options", "advice"), [({}, "run `optout refresh --engine embedded` once"), (BUCKET, "pulumi stack import")]
)
def test_identifiers_in_clear_are_refused(place: Place, options: dict[str, Any], advice: str) -> None:
    content = document(min(OURS), "caller-of-a-test")
    place.write(content)
    place.cli.content = json.dumps(content).encode()
    with pytest.raises(StateError, match=advice) as error:
        place.inspect(trust_state=True, **options)
    assert "caller-of-a-test" not in str(error.value)


LOCKED = (
    "error: the stack is currently locked by 1 lock(s).\n"
    "  file:///s/dev/4f1a.json?no_tmp_dir=true: created by ann@vm (pid 8957) at 2026-11-22T13:15:51Z"
)


@pytest.fixture
def killed(settled: Bench) -> Bench:
    """A stack in whose journal a killed run had noted one more resource."""
    left = journal.JournalFile(settled.backend.journal_file, SEALED, journal.fingerprint(settled.backend.read()))
    left.append(JournalEntry(EntryKind.PUT, thing("s3", id="id-s3-a")))
    left.leave()
    return settled


@pytest.fixture
def gone() -> int:
    """The id of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def lock(bench: Bench, pid: int, hostname: str) -> Path:
    bench.backend.lock_folder.mkdir(parents=True, exist_ok=True)
    path = bench.backend.lock_folder / "a.json"
    content = {"pid": pid, "username": "ann", "hostname": hostname, "timestamp": "2026-11-22T13:15:51Z"}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("operation", ["preview", "up"])
def test_steps_in_the_journal_come_into_the_state(stand_in: StandIn, killed: Bench, operation: str) -> None:
    stand_in.play(Play(recording="create"))
    ran = performer(killed)(operation)
    assert ran.ok
    assert "recovered 1 finished steps from its journal" in ran.said("info")
    assert sorted(killed.things()) == ["s0", "s1", "s2", "s3"]
    assert not killed.backend.journal_file.exists()
    assert not list(killed.backend.lock_folder.glob("*"))


def test_the_lock_of_a_process_that_is_gone(stand_in: StandIn, settled: Bench, gone: int) -> None:
    path = lock(settled, gone, socket.gethostname())
    stand_in.play(Play(recording="create"))
    ran = performer(settled)("up")
    assert ran.ok
    assert f"took over the lock of ann@{socket.gethostname()} (pid {gone})" in ran.said("info")
    assert not path.exists()


def test_a_run_that_may_be_under_way_is_left_alone(stand_in: StandIn, killed: Bench) -> None:
    path = lock(killed, 8957, "elsewhere")
    before = killed.backend.state_file.read_bytes()
    stand_in.play(Play(stderr=LOCKED, status=1))
    with pytest.raises(StackLockedError):
        performer(killed)("up")
    assert path.exists()
    assert killed.backend.journal_file.exists()
    assert killed.backend.state_file.read_bytes() == before


def test_the_journal_of_an_older_state_does_not_matter(stand_in: StandIn, killed: Bench) -> None:
    killed.backend.state_file.write_bytes(killed.backend.state_file.read_bytes() + b" ")
    stand_in.play(Play(recording="create"))
    assert performer(killed)("up").ok
    assert sorted(killed.things()) == ["s0", "s1", "s2"]


def test_nothing_to_clear_up(stand_in: StandIn, bench: Bench, perform: Perform) -> None:
    stand_in.play(Play(recording="create"))
    ran = perform("up")
    assert ran.ok
    assert ran.said("info") == ""
