from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engine.official.stand_in import Play, StandIn
from voiceid_optout.engine.official.command import PulumiFailedError, find
from voiceid_optout.state.errors import EngineError

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
    with pytest.raises(EngineError, match=r"not on PATH: install version 3\.216\.0 or newer .* --engine embedded"):
        find()


@pytest.mark.parametrize("version", ["v3.215.9", "v4.0.0", "unheard of"])
def test_version_that_does_not_fit(version: str, stand_in: StandIn) -> None:
    stand_in.play(Play(version=version))
    with pytest.raises(EngineError, match=r"this Pulumi CLI cannot be used .*: install version 3\.216\.0 or newer"):
        find()


@pytest.mark.parametrize("version", ["v3.216.0", "3.260.0-dev.0"])
def test_version_that_fits(version: str, stand_in: StandIn) -> None:
    stand_in.play(Play(version=version))
    assert f"{find().version}" == version.removeprefix("v")


def test_does_not_start(stand_in: StandIn) -> None:
    (stand_in.folder / "pulumi").write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    with pytest.raises(EngineError, match="the Pulumi CLI does not start"):
        find()


def test_may_not_be_executed(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    (stand_in.folder / "pulumi").unlink()
    (stand_in.folder / "pulumi").mkdir()
    monkeypatch.setenv("PATH", str(stand_in.folder))
    assert os.access(stand_in.folder / "pulumi", os.X_OK)
    with pytest.raises(EngineError, match="install version"):
        find()
