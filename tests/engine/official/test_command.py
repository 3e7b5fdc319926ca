from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engine.official.stand_in import Play, StandIn
from voiceid_optout.engine.interface import Request
from voiceid_optout.engine.official.command import PulumiFailedError, failure, find, reason
from voiceid_optout.state import PassphraseError, StackError, StackLockedError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable


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
    assert call["environment"] == {"PULUMI_X": "1", "PULUMI_AUTOMATION_API": "true"}


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
    found = failure(stderr, REQUEST)
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
    error = failure(LOCKED.replace("file:///a%20state", "s3://states/prefix"), request)
    assert isinstance(error, StackLockedError)
    assert (error.holder, error.since) == ("ann b@vm (pid 8957)", "2026-11-22T13:15:51Z")
    assert str(error).endswith("run `pulumi cancel`; it removes the lock in s3://states/prefix")


def test_lock_in_other_words() -> None:
    error = error_of("error: the stack is currently locked by somebody")
    assert isinstance(error, StackLockedError)
    assert error.path == Path("/a state/.pulumi/locks")


@pytest.mark.parametrize(
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


@pytest.mark.parametrize("stderr", ["error: no resource named 'x' found", CRASH, ""])
def test_other_texts_stand_for_themselves(stderr: str) -> None:
    assert failure(stderr, REQUEST) is None


@pytest.mark.parametrize(
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
