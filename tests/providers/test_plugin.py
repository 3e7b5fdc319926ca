"""The plugin process: everything passes the engine's protocol, as under either engine."""

import re
import sys
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as pb

from tests.providers.fixtures import stack_config
from tests.providers.process import plain, plugin
from tests.voiceid.faults import ANSWERS, PLANTED
from tests.voiceid.fixtures import Serve
from tests.voiceid.live import Live
from tests.voiceid.scripted import DOMAIN
from voiceid_optout.providers import lifeline
from voiceid_optout.providers import plugin as settling


def test_a_life(live: Live, domain: str) -> None:
    inputs = {"domain_id": domain, "speaker_id": "caller-1", "ensure": "opted_out"}
    with plugin() as (engine, _):
        engine.configure(stack_config(live.running.url))
        checked = engine.check({"domain_id": domain, "speaker_id": "caller-1", "status": None})
        assert plain(checked.inputs) == inputs
        id_, outs = engine.create(inputs)
        assert re.fullmatch(f"{domain}/[0-9a-f]{{32}}", id_)
        assert engine.diff(outs, inputs).changes == pb.DiffResponse.DIFF_NONE
        read = engine.read(id_, outs)
        assert (read.id, plain(read.properties), plain(read.inputs)) == (id_, outs, inputs)
        released = {**inputs, "ensure": "released"}
        assert engine.diff(outs, released).changes == pb.DiffResponse.DIFF_SOME
        assert engine.update(outs, released) == released
        assert plain(engine.read(id_, released).properties) == released
        engine.delete(id_, released)


def test_somebody_gone(live: Live, domain: str) -> None:
    outs = {"domain_id": domain, "speaker_id": "nobody", "ensure": "opted_out", "status": "OPTED_OUT"}
    with plugin() as (engine, _):
        engine.configure(stack_config(live.running.url))
        assert engine.read("x", outs).id == ""


def test_drift(live: Live, domain: str) -> None:
    inputs = {"domain_id": domain, "speaker_id": "caller-1", "ensure": "opted_out"}
    live.seed(domain, "caller-1", "ENROLLED")
    with plugin() as (engine, _):
        engine.configure(stack_config(live.running.url))
        read = engine.read("x", {**inputs, "status": "OPTED_OUT"})
        answer = engine.diff(plain(read.properties), inputs)
        assert (answer.changes, list(answer.replaces)) == (pb.DiffResponse.DIFF_SOME, [])


def test_check_failures() -> None:
    with plugin() as (engine, _):
        engine.configure(stack_config("http://127.0.0.1:1"))
        [failure] = engine.check({"domain_id": DOMAIN, "speaker_id": f"{PLANTED}!"}).failures
        assert not failure.property  # the CLI would print its value
        assert PLANTED not in failure.reason


def test_an_error_is_one_clean_line_and_nothing_else_is_printed(serve: Serve) -> None:
    server = serve(lambda *_: ANSWERS["invalid"][0])
    with plugin() as (engine, process):
        engine.configure(stack_config(server.url))
        with pytest.raises(grpc.RpcError) as caught:
            engine.create({"domain_id": DOMAIN, "speaker_id": PLANTED, "ensure": "opted_out"})
        process.kill()
        assert process.stdout
        printed = process.stdout.read().decode()
    error: Any = caught.value
    [line] = [line for line in error.details().splitlines() if "Traceback" not in line]
    assert line.startswith(f"OptOutFailed: Voice ID at {server.url}")
    assert PLANTED not in error.details() + printed
    assert "Error" not in printed


def test_config_faults_come_as_one_line() -> None:
    with plugin() as (engine, _):
        engine.configure({})
        with pytest.raises(grpc.RpcError) as caught:
            engine.check({"domain_id": DOMAIN, "speaker_id": "caller-1"})
    error: Any = caught.value
    assert error.details().splitlines()[-1].startswith("OptOutFailed: no region")


def test_nothing_happens_outside_a_plugin_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifeline, "hold", lambda: pytest.fail("held"))
    settling.settle()
    assert not hasattr(sys, "tracebacklimit")


def test_a_plugin_process_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []
    monkeypatch.setattr(lifeline, "hold", lambda: held.append(True))
    monkeypatch.setattr(sys, "tracebacklimit", None, raising=False)
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__spec__=SimpleNamespace(name=settling.MODULE)))
    settling.settle()
    assert held == [True]
    assert sys.tracebacklimit == 0
