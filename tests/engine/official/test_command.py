from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engine.official.stand_in import Play, StandIn
from tests.tables import each_row
from voiceid_optout.engine.interface import Operation, Request
from voiceid_optout.engine.official.command import (
    SKIP,
    PulumiFailedError,
    backend_url,
    error_from,
    find,
    reason,
    stack_for,
)
from voiceid_optout.state import PassphraseError, StackError, StackLockedError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.bench import Bench


def test_prints_nothing_and_keeps_the_errors(
    stand_in: StandIn, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in.play(Play(stderr="error: täuschend echt", status=6))
    with pytest.raises(PulumiFailedError) as caught:
        find().run(["up"], str(tmp_path), {"PULUMI_X": "1"})
    assert (caught.value.status, caught.value.stderr) == (6, "error: täuschend echt")
    assert capfd.readouterr() == ("", "")
    (call,) = stand_in.calls()
    assert call["arguments"] == ["--non-interactive", "up"]
    assert call["environment"] == {
        "PULUMI_PYTHON_CMD": sys.executable,  # for a project that names no virtual environment
        "PULUMI_X": "1",
        "PULUMI_AUTOMATION_API": "true",
    }


def test_an_interrupt_is_passed_on_and_the_end_awaited(
    stand_in: StandIn, tmp_path: Path, interrupt: Callable[..., None]
) -> None:
    stand_in.play(Play(interrupts=2, stderr="error: update canceled", status=1))
    interrupt(
        lambda: stand_in.ready.exists() and stand_in.ready.read_text() == "0",
        lambda: stand_in.ready.read_text() == "1",
    )
    with pytest.raises(KeyboardInterrupt):
        find().run(["up"], str(tmp_path), {})
    assert stand_in.ready.read_text() == "2"  # it has seen both before it ended


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_two_interrupts_at_once_are_two(stand_in: StandIn, tmp_path: Path, interrupt: Callable[..., None]) -> None:
    """The second comes before anything was made of the first."""

    def handed_over() -> bool:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return not any(int(line.split()[1], 16) for line in lines if line.startswith("ShdPnd:"))

    stand_in.play(Play(interrupts=2, stderr="error: update canceled", status=1))
    interrupt(lambda: stand_in.ready.exists() and stand_in.ready.read_text() == "0", handed_over)
    with pytest.raises(KeyboardInterrupt):
        find().run(["up"], str(tmp_path), {})
    assert stand_in.ready.read_text() == "2"


def test_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match=r"not on PATH: install version 3\.216\.0 or newer .* --engine embedded"):
        find()


@pytest.mark.parametrize("version", ["v3.215.9", "v4.0.0", "unheard of"])
def test_version_that_does_not_fit(version: str, stand_in: StandIn) -> None:
    stand_in.play(Play(version=version))
    with pytest.raises(StackError, match=r"this Pulumi CLI cannot be used .*: install version 3\.216\.0 or newer"):
        find()


@pytest.mark.parametrize("version", ["v3.216.0", "3.260.0-dev.0"])
def test_version_that_fits(version: str, stand_in: StandIn) -> None:
    stand_in.play(Play(version=version))
    assert f"{find().version}" == version.removeprefix("v")


def test_does_not_start(stand_in: StandIn) -> None:
    (stand_in.folder / "pulumi").write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    with pytest.raises(StackError, match="the Pulumi CLI does not start"):
        find()


def test_may_not_be_executed(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    (stand_in.folder / "pulumi").unlink()
    (stand_in.folder / "pulumi").mkdir()
    monkeypatch.setenv("PATH", str(stand_in.folder))
    assert os.access(stand_in.folder / "pulumi", os.X_OK)
    with pytest.raises(StackError, match="install version"):
        find()


REQUEST = Request(root=Path("/project"), stack="dev", backend=Path("/a state"))
LOCKED = """error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or \
delete the lock file with `pulumi cancel`.
  file:///a%20state/.pulumi/locks/organization/sample/dev/4f1a.json?no_tmp_dir=true: created by ann b@vm \
(pid 8957) at 2026-11-22T13:15:51Z"""
INTEGRITY = """error: The Pulumi CLI encountered a snapshot integrity error. This is a bug!

You can try to repair your snapshot as follows:

* Using the `pulumi state repair` command. This is the recommended approach.
================================================================================
Pulumi Version:    v3.260.0
Error:             snapshot integrity failure; refusing to use it: magic cookie mismatch; possible tampering

Stack Trace:

goroutine 1 [running]:
"""
CRASH = """panic: fatal: An assertion has failed: Diff requires an ID

goroutine 89 [running]:
"""


def error_of(stderr: str) -> StackError:
    found = error_from(stderr, REQUEST)
    assert found is not None
    return found


def test_lock() -> None:
    error = error_of(LOCKED)
    assert isinstance(error, StackLockedError)
    assert error.holder == "ann b@vm (pid 8957)"
    assert error.since == "2026-11-22T13:15:51Z"
    assert error.path == Path("/a state/.pulumi/locks/organization/sample/dev/4f1a.json")


def test_lock_in_a_bucket() -> None:
    request = replace(REQUEST, remote_backend="s3://somebody:secret@states/prefix?region=eu-central-1")
    error = error_from(LOCKED.replace("file:///a%20state", "s3://states/prefix"), request)
    assert isinstance(error, StackLockedError)
    assert (error.holder, error.since) == ("ann b@vm (pid 8957)", "2026-11-22T13:15:51Z")
    assert str(error).endswith("run `pulumi cancel`; it removes the lock in s3://states/prefix")


def test_lock_in_other_words() -> None:
    error = error_of("error: the stack is currently locked by somebody")
    assert isinstance(error, StackLockedError)
    assert error.path == Path("/a state/.pulumi/locks")


@each_row(
    ("stderr", "kind", "words"),
    [
        (
            "error: getting stack configuration: get stack secrets manager: incorrect passphrase",
            PassphraseError,
            "incorrect passphrase: set PULUMI_CONFIG_PASSPHRASE or",
        ),
        (
            "error: validating stack config: cipher: message authentication failed",
            PassphraseError,
            "encrypted with another passphrase",
        ),
        ("error: validating stack config: bad value: nonce size is incorrect", PassphraseError, "Pulumi.dev.yaml"),
        (
            "error: getting stack configuration: get stack secrets manager: illegal base64 data at input byte 0",
            StateError,
            "the encryption salt is damaged: restore Pulumi.dev.yaml",
        ),
        (
            INTEGRITY,
            StateError,
            "inconsistent (magic cookie mismatch; possible tampering): restore it from /a state/",
        ),
        (
            "error: failed to load checkpoint: unsupported checkpoint version 99",
            StateError,
            "cannot be read (failed to load checkpoint: unsupported checkpoint version 99)",
        ),
        ('error: corrupt store: missing version in ".pulumi/meta.yaml"', StateError, "meta.yaml"),
        ("error: invalid character 'o' in literal null (expecting 'u')", StateError, "cannot be read"),
        (
            (
                "error: decrypting secret value: failed to decrypt: snapshot contains encrypted secrets "
                "but no secrets manager could be found"
            ),
            StateError,
            "cannot be read",
        ),
        ("error: no stack named 'dev' found", StateError, "stack dev has no state in /a state"),
        ("error: [409] Conflict: Another update is currently in progress.", StateError, "run the command again"),
    ],
)
def test_known_texts(stderr: str, kind: type[StackError], words: str) -> None:
    error = error_of(stderr)
    assert isinstance(error, kind)
    assert words in str(error)
    assert "\n" not in str(error)


@each_row("stderr", ["error: no resource named 'x' found", CRASH, ""])
def test_other_texts_stand_for_themselves(stderr: str) -> None:
    assert error_from(stderr, REQUEST) is None


@each_row(
    ("stderr", "said"),
    [
        ("error: no resource named 'x' found", "no resource named 'x' found"),
        ("something else", "something else"),
        (
            CRASH,
            (
                "the Pulumi CLI crashed (Diff requires an ID). It has left its lock: look at the state with "
                "`pulumi stack export`, then run `pulumi cancel`"
            ),
        ),
    ],
)
def test_reason(stderr: str, said: str) -> None:
    assert reason(stderr) == said


@pytest.mark.parametrize(
    ("name", "encoded"),
    [("a b", "a%20b"), ("c#d", "c%23d"), ("e?f", "e%3Ff"), ("g%41h", "g%2541h"), ("ü", "%C3%BC")],
)
def test_backend_url(name: str, encoded: str, tmp_path: Path) -> None:
    assert backend_url(tmp_path / "x" / ".." / name) == f"file://{tmp_path}/{encoded}"


def test_a_stack_without_state_is_made_and_not_selected(stand_in: StandIn, bench: Bench) -> None:
    bench.backend.root.rmdir()
    stack_for(find(), bench.request(), "sample", Operation.PREVIEW)
    (call,) = stand_in.calls()
    words = ["stack", "init", "dev", "--no-select", "--secrets-provider", "passphrase"]
    assert call["arguments"] == ["--non-interactive", *words]
    assert call["environment"]["PULUMI_BACKEND_URL"] == backend_url(bench.backend.root)
    assert call["environment"]["PULUMI_SKIP_UPDATE_CHECK"] == "true"
    assert "PULUMI_HOME" not in call["environment"]
    assert bench.backend.root.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("ending", [".json", ".json.gz", ".json.zst"])
def test_a_state_file_makes_the_stack_exist(ending: str, stand_in: StandIn, bench: Bench) -> None:
    state = bench.backend.state_file.with_suffix(ending)
    state.parent.mkdir(parents=True)
    state.touch()
    assert stack_for(find(), bench.request(), "sample", Operation.PREVIEW).name == "dev"
    assert not (stand_in.folder / "calls.jsonl").exists()


def test_backend_folder_that_cannot_be_made(stand_in: StandIn, bench: Bench) -> None:
    bench.backend.root.rmdir()
    bench.backend.root.touch()
    with pytest.raises(StateError, match=r"cannot make the folder .*/state: File exists"):
        stack_for(find(), bench.request(), "sample", Operation.PREVIEW)


def test_another_backend_than_a_folder_is_the_cli_s_own(stand_in: StandIn, bench: Bench) -> None:
    bench.backend.root.rmdir()
    request = bench.request(remote_backend="s3://bucket?region=eu-central-1")
    stack_for(find(), request, "sample", Operation.PREVIEW)
    (call,) = stand_in.calls()
    assert call["environment"]["PULUMI_BACKEND_URL"] == "s3://bucket?region=eu-central-1"
    assert not bench.backend.root.exists()


@pytest.mark.parametrize(
    ("operation", "repeatable", "given", "expected"),
    [
        (Operation.UP, True, None, "true"),
        (Operation.UP, True, "false", "false"),
        (Operation.UP, False, None, None),
        (Operation.DESTROY, True, None, None),
    ],
)
def test_nothing_is_saved_on_the_way_where_a_run_may_be_repeated(
    stand_in: StandIn,
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    operation: Operation,
    repeatable: bool,
    given: str | None,
    expected: str | None,
) -> None:
    monkeypatch.delenv(SKIP, raising=False)
    environment = {} if given is None else {SKIP: given}
    stack_for(find(), bench.request(repeatable=repeatable, environment=environment), "sample", operation)
    (call,) = stand_in.calls()
    assert call["environment"].get(SKIP) == expected
