"""The engine with the real CLI; skipped where it is not on PATH."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.bench import Bench, urn
from tests.engine.official.conftest import Perform, performer
from voiceid_optout.engine.interface import Outcome, Result
from voiceid_optout.state import PassphraseError, StackLockedError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.official, pytest.mark.usefixtures("official")]


def test_a_life_from_preview_to_destroy(bench: Bench, perform: Perform, capfd: pytest.CaptureFixture[str]) -> None:
    planned = perform("preview")
    assert sorted(planned.steps()) == [("create", "s0"), ("create", "s1"), ("create", "s2")]
    assert planned.made() == []

    assert perform("up", message="the first").ok
    assert bench.objects() == {"id-s0-a": "ON", "id-s1-a": "ON", "id-s2-a": "ON"}

    bench.drift("id-s0-a", "OFF")
    bench.drift("id-s1-a", None)
    before = bench.backend.state_file.read_bytes()
    drift = perform("drift")
    assert drift.ok
    assert drift.changes == {"delete": 1, "same": 2, "update": 1}
    assert bench.backend.state_file.read_bytes() == before

    assert sorted(perform("preview", refresh=True).steps()) == [
        ("create", "s1"),
        *[("refresh", name) for name in ("s0", "s1", "s2")],
        ("same", "s2"),
        ("update", "s0"),
    ]
    assert perform("refresh").ok
    assert bench.status() == {"s0": "OFF", "s2": "ON"}
    assert perform("up").made() == [("create", "s1"), ("update", "s0")]
    assert bench.status() == {"s0": "ON", "s1": "ON", "s2": "ON"}

    assert perform("destroy").ok
    assert bench.objects() == {}
    assert capfd.readouterr() == ("", "")
    history = bench.backend.root / ".pulumi" / "history" / "sample" / "dev"
    messages = {json.loads(path.read_text())["message"] for path in history.glob("*.history.json")}
    assert "the first" in messages


def test_the_stack_selected_for_the_raw_cli_stays(bench: Bench, perform: Perform) -> None:
    perform("preview")
    assert not list((bench.root.parent / "pulumi-home" / "workspaces").glob("*"))


def test_takes_over_from_the_embedded_engine_and_back(settled: Bench) -> None:
    perform = performer(settled)
    assert perform("preview", refresh=True).changes == {"same": 4}
    settled.want(s0={}, s1={"val": "b"}, s3={})
    assert perform("up").made() == [("create", "s3"), ("delete", "s2"), ("update", "s1")]
    back = settled.run("preview", refresh=True)
    assert (back.ok, back.changes) == (True, {"same": 4})


def test_targets(settled: Bench) -> None:
    settled.want(s0={"val": "b"}, s1={"val": "b"}, s2={})
    assert performer(settled)("up", targets=(urn("s1"),)).made() == [("update", "s1")]


def test_unknown_target(settled: Bench) -> None:
    outcome = performer(settled)("preview", targets=(urn("s99"),)).outcome
    assert outcome.result is Result.FAILED
    assert "could not be found in the stack" in outcome.errors[0]


def test_folder_whose_name_must_be_encoded(tmp_path: Path) -> None:
    bench = Bench.make(tmp_path / "a b#c%41?ü")
    perform = performer(bench)
    assert perform("up").ok
    bench.backend.lock_folder.mkdir(parents=True, exist_ok=True)
    lock = bench.backend.lock_folder / "4f1a.json"
    lock.write_text('{"pid":1,"username":"ann","hostname":"vm","timestamp":"2026-11-22T13:15:51.5Z"}')
    with pytest.raises(StackLockedError) as caught:
        perform("up")
    assert (caught.value.holder, caught.value.since) == ("ann@vm (pid 1)", "2026-11-22T13:15:51Z")
    assert caught.value.path == lock
    assert perform("preview").ok  # looking needs no lock


class TestFailures:
    def test_first_step(self, bench: Bench, perform: Perform) -> None:
        bench.want(s0={})
        bench.faults({"create:s0": {"error": "the service is full"}})
        ran = perform("up")
        assert ran.outcome == Outcome(Result.FAILED, ("the service is full",))
        assert ran.said("error") == "the service is full"
        assert ran.said("info#err") == ""

    def test_later_step(self, bench: Bench, perform: Perform) -> None:
        bench.want(s0={}, s1={"depends_on": ["s0"]})
        bench.faults({"create:s1": {"error": "the service is full"}})
        assert perform("up").outcome == Outcome(Result.PARTIAL, ("the service is full",))
        assert set(bench.things()) == {"s0"}
        bench.faults()
        assert perform("up").made() == [("create", "s1")]

    def test_continue_on_error(self, settled: Bench) -> None:
        settled.want(s1={"val": "b"}, s2={"val": "b"})
        settled.faults({"update:s1": {"error": "the service is full"}})
        ran = performer(settled)("up", continue_on_error=True, parallel=1)
        assert ran.outcome == Outcome(Result.PARTIAL, ("the service is full",))
        assert ran.made() == [("delete", "s0"), ("update", "s1"), ("update", "s2")]

    def test_reads(self, settled: Bench) -> None:
        settled.faults({f"read:s{number}": {"error": "no answer"} for number in range(3)})
        outcome = performer(settled)("drift").outcome
        assert outcome.result is Result.FAILED
        assert outcome.errors[0].startswith("no answer")
        assert len(outcome.errors) == 1

    def test_a_refused_secret_is_not_shown(self, bench: Bench, perform: Perform) -> None:
        bench.want(s0={"secret": True, "val": "caller-17"})
        bench.faults({"check:s0": {"answer": "too long"}})
        ran = perform("up")
        assert ran.outcome == Outcome(Result.FAILED, ("property val: too long",))
        assert "caller-17" not in json.dumps(ran.events)

    @pytest.mark.parametrize("operation", ["preview", "up"])
    def test_exception_of_the_program(self, operation: str, settled: Bench) -> None:
        ran = performer(settled)(operation, environment={"SAMPLE_RAISES": "no such file"})
        assert ran.outcome.result is Result.FAILED
        (error,) = ran.outcome.errors
        assert error.startswith("the program ended with ValueError at __main__.py:")
        assert "no such file" not in error + json.dumps(ran.events)
        assert len(settled.things()) == 3

    def test_verdict_of_the_program(self, settled: Bench) -> None:
        faults = "config/a.yaml:3:5: id: is empty\nconfig/a.yaml:4:5: id: is empty"
        ran = performer(settled)("preview", environment={"SAMPLE_RUN_ERROR": faults})
        assert ran.outcome == Outcome(Result.FAILED, (faults,))


class TestRefusals:
    def test_wrong_passphrase(self, settled: Bench) -> None:
        settled.environment["PULUMI_CONFIG_PASSPHRASE"] = "another"
        with pytest.raises(PassphraseError, match="incorrect passphrase: set PULUMI_CONFIG_PASSPHRASE"):
            performer(settled)("drift")

    def test_secret_of_another_passphrase(self, settled: Bench) -> None:
        settled.config("sample:token:\n  secure: v1:6lUYP7cFlC3hNBDq:1rrCSgfuDOaLX1tW5NGMzZ4dSv/A\n")
        with pytest.raises(PassphraseError, match="encrypted with another passphrase"):
            performer(settled)("preview")

    def test_damaged_salt(self, settled: Bench) -> None:
        settled.write("Pulumi.dev.yaml", "encryptionsalt: v1:xx:yy\n")
        with pytest.raises(StateError, match="the encryption salt is damaged"):
            performer(settled)("preview")

    @pytest.mark.parametrize("operation", ["preview", "up", "drift", "destroy"])
    def test_state_that_is_cut(self, operation: str, settled: Bench) -> None:
        settled.backend.state_file.write_bytes(settled.backend.state_file.read_bytes()[:300])
        with pytest.raises(StateError, match=r"the state in .* is no JSON .*: restore it from .*/\.pulumi/backups"):
            performer(settled)(operation)

    @pytest.mark.parametrize("operation", ["up", "drift"])
    def test_state_that_is_inconsistent(self, operation: str, settled: Bench) -> None:
        document = settled.document()
        latest = document["checkpoint"]["latest"]
        latest["resources"] = [item for item in latest["resources"] if ":providers:" not in item["type"]]
        settled.backend.state_file.write_text(json.dumps(document))
        with pytest.raises(StateError, match=r"the state is inconsistent .* refers to unknown provider"):
            performer(settled)(operation)


def test_an_interrupted_run_saves_and_lets_go_of_the_lock(
    settled: Bench, interrupt: Callable[[Callable[[], Any]], None]
) -> None:
    settled.want(s0={}, s1={}, s2={}, s3={}, s4={"depends_on": ["s3"]})
    settled.faults({"create:s3": {"wait": 1}})
    interrupt(lambda: "create" in [call["method"] for call in settled.calls() if call["name"] == "s3"])
    with pytest.raises(KeyboardInterrupt):
        performer(settled)("up")
    assert set(settled.things()) == {"s0", "s1", "s2", "s3"}
    assert not list(settled.backend.lock_folder.glob("*"))
    settled.faults()
    assert performer(settled)("up").made() == [("create", "s4")]
