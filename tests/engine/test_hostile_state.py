"""A state is input: what it names is not run, on either engine."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine import hostile
from tests.engine.bench import SEALED
from tests.engine.official.conftest import performer
from voiceid_optout.state import UntrustedStateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engine.bench import Bench, Ran

HAS_CLI = shutil.which("pulumi") is not None
OFFICIAL = [pytest.mark.official, pytest.mark.skipif(not HAS_CLI, reason="the Pulumi CLI is not on PATH")]
ENGINES = ["embedded", pytest.param("pulumi", marks=OFFICIAL)]
OPERATIONS = ["preview", "up", "refresh", "drift", "destroy", "preview-destroy"]
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}

pytestmark = pytest.mark.parametrize("engine", ENGINES)


def runner(bench: Bench, engine: str) -> Callable[..., Ran]:
    return bench.run if engine == "embedded" else performer(bench)


def refused(bench: Bench, engine: str, operation: str, **options: Any) -> str:
    """Check that an operation is refused and leaves the state as it was; returns the message."""
    before = bench.backend.state_file.read_bytes()
    with pytest.raises(UntrustedStateError) as error:
        runner(bench, engine)(operation, trust_state=False, **options)
    assert bench.backend.state_file.read_bytes() == before
    return str(error.value)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_code_of_others_is_not_run(settled: Bench, tmp_path: Path, engine: str, operation: str) -> None:
    trap = tmp_path / "trap"
    hostile.provide(settled.backend.state_file, hostile.code(trap))
    message = refused(settled, engine, operation, refresh=True)
    assert "the state names a provider that is not ours" in message
    assert "--trust-state" in message
    assert not trap.exists()


def test_the_trap_would_work(settled: Bench, tmp_path: Path, engine: str) -> None:
    trap = tmp_path / "trap"
    hostile.provide(settled.backend.state_file, hostile.code(trap))
    runner(settled, engine)("refresh", trust_state=True)
    assert trap.exists()


@pytest.mark.parametrize("part", ["inputs", "outputs"])
@pytest.mark.parametrize("sealed", [False, True])
def test_code_in_one_place_is_enough(settled: Bench, tmp_path: Path, engine: str, part: str, sealed: bool) -> None:
    text: Any = hostile.code(tmp_path / "trap")
    if sealed:
        text = {**SECRET, "ciphertext": SEALED.encrypt(json.dumps(text))}
    hostile.provide(settled.backend.state_file, text, part)
    refused(settled, engine, "preview", refresh=True)
    assert not (tmp_path / "trap").exists()


def test_code_of_a_resource_that_the_program_no_longer_declares(
    settled: Bench, tmp_path: Path, engine: str
) -> None:
    trap = tmp_path / "trap"
    settled.want(s0={})
    hostile.provide(settled.backend.state_file, hostile.code(trap))
    refused(settled, engine, "up")
    assert not trap.exists()


@pytest.mark.parametrize("operation", ["preview", "up"])
def test_what_the_program_sends_itself_may_run(settled: Bench, engine: str, operation: str) -> None:
    ran = runner(settled, engine)(operation, refresh=True, trust_state=False)
    assert ran.ok, ran
    assert ran.made("read") == [("read", name) for name in ("s0", "s1", "s2")]


@pytest.mark.parametrize("operation", ["refresh", "drift", "destroy"])
def test_where_no_program_runs_only_ours_may(settled: Bench, engine: str, operation: str) -> None:
    message = refused(settled, engine, operation)
    assert "nor what the program sends" not in message
    assert "a resource of type pulumi-python:dynamic/sample:Thing" in message
    assert "s0" not in message, "a name may be an identifier"
    assert settled.calls()[-1]["method"] == "create", "nobody was called"


def test_a_forged_journal(settled: Bench, tmp_path: Path, engine: str) -> None:
    trap = tmp_path / "trap"
    checkpoint = settled.backend.state_file.read_bytes()
    resource = json.loads(checkpoint)["checkpoint"]["latest"]["resources"][-1]
    resource["outputs"]["__provider"] = hostile.code(trap)
    from voiceid_optout.state.journal import fingerprint

    settled.backend.journal_file.parent.mkdir(parents=True, exist_ok=True)
    lines = [{"base": fingerprint(checkpoint)}, {"kind": "put", "resource": resource}]
    settled.backend.journal_file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    message = refused(settled, engine, "up", refresh=True)
    assert "the journal of a killed run names a provider that is not ours" in message
    assert settled.backend.journal_file.exists()
    assert not trap.exists()
