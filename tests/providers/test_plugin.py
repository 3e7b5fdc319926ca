"""The plugin process: everything passes the engine's protocol, as under either engine."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import grpc
import pytest
from pulumi.dynamic import Config
from pulumi.runtime.proto import provider_pb2 as pb

from tests.providers.fixtures import stack_config
from tests.providers.process import COMMAND, ROOT, TIMEOUT, connected, environment, plain, plugin
from tests.voiceid.faults import ANSWERS, PLANTED
from tests.voiceid.fixtures import Serve
from tests.voiceid.live import Live
from tests.voiceid.scripted import DOMAIN
from voiceid_optout.providers import plugin as plugin_module
from voiceid_optout.providers.plugin import OptOutFailed, WorkerPool, clean_failures
from voiceid_optout.pulumi_internals import PLUGIN_MODULE
from voiceid_optout.voiceid import QuotaExceeded, RequestInvalid, UnknownDomain
from voiceid_optout.voiceid.aws_config import Identity
from voiceid_optout.voiceid.settings import ClientSettings


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
    monkeypatch.setattr(plugin_module, "start_watchdog", lambda: pytest.fail("started"))
    plugin_module.prepare_process()
    assert not hasattr(sys, "tracebacklimit")


def test_a_plugin_process_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[bool] = []
    monkeypatch.setattr(plugin_module, "start_watchdog", lambda: started.append(True))
    monkeypatch.setattr(sys, "tracebacklimit", None, raising=False)
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__spec__=SimpleNamespace(name=PLUGIN_MODULE)))
    monkeypatch.setattr(plugin_module, "gc", collector := MagicMock())  # a frozen heap makes later tests slow
    plugin_module.prepare_process()
    assert collector.freeze.called
    assert started == [True]
    assert sys.tracebacklimit == 0


# An engine that starts a plugin, tells its process id, hands on its port, and stays.
ENGINE = """
import subprocess, sys, time
plugin = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
print(plugin.pid, plugin.stdout.readline().decode(), sep=" ", end="", flush=True)
time.sleep(600)
"""


@contextmanager
def engine(*plugin: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run an engine with a configured plugin; gives the engine and the plugin's process id."""
    with subprocess.Popen(
        [sys.executable, "-c", ENGINE, *plugin], cwd=ROOT, env=environment(), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        pid, port = map(int, process.stdout.readline().split())
        client, channel = connected(port)
        try:
            client.configure(stack_config("http://127.0.0.1:1"))
            client.check({"domain_id": DOMAIN, "speaker_id": "caller-1"})
            yield process, pid
        finally:
            channel.close()
            process.kill()
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def ends(pid: int) -> bool:
    deadline = time.monotonic() + TIMEOUT
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@linux
def test_the_plugin_ends_with_a_killed_parent() -> None:
    with engine(*COMMAND) as (parent, plugin):
        assert is_alive(plugin)
        parent.kill()
        assert ends(plugin)


@linux
def test_the_plugin_ends_with_its_engine_when_a_shell_stands_between() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with engine(*COMMAND, address) as (parent, plugin):
            line, _ = listener.accept()
            assert is_alive(plugin)
            listener.close()
            line.close()
            assert ends(plugin)
            assert parent.poll() is None


def test_an_engine_that_hangs_up_but_lives_is_called_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a gRPC server does with a connection that never speaks."""
    monkeypatch.setattr(plugin_module, "INTERVAL", 0.05)
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()[:2]
        watch = threading.Thread(target=plugin_module._watch, args=(os.getppid(), address))
        watch.start()
        for _ in range(2):
            line, _ = listener.accept()
            line.close()
        line, _ = listener.accept()
        line.sendall(b"settings")
        assert ended == []
        listener.close()
        line.close()
        watch.join(TIMEOUT)
    assert ended == [1]


def test_a_new_parent_ends_it_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_module, "INTERVAL", 0.01)
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    parents = iter([7, 7, 1])
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    plugin_module._watch(7, None)
    assert ended == [1]


def test_an_address_where_nobody_ever_listened_counts_for_nothing(closed_port: str) -> None:
    host, _, port = closed_port.removeprefix("http://").partition(":")
    assert plugin_module._connect((host, int(port))) is None


def test_a_connection_is_open_until_the_other_side_ends_it() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.01)
        assert plugin_module._is_open(ours)
        theirs.sendall(b"settings")
        assert plugin_module._is_open(ours)
        theirs.close()
        assert not plugin_module._is_open(ours)
    assert not plugin_module._is_open(ours)


def test_the_watchdog_is_started_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_module, "_started", threading.Lock())
    started: list[object] = []
    monkeypatch.setattr(plugin_module, "_watch", lambda *what: started.append(what))
    monkeypatch.setattr(sys, "argv", ["plugin", "127.0.0.1:50051"])
    plugin_module.start_watchdog()
    plugin_module.start_watchdog()
    for thread in threading.enumerate():
        if thread.name == "watchdog":
            thread.join()
    assert started == [(os.getppid(), ("127.0.0.1", 50051))]


@clean_failures
def fails(error: Exception) -> None:
    raise error from ValueError(PLANTED)


def printed(error: Exception) -> str:
    with pytest.raises(OptOutFailed) as caught:
        fails(error)
    return "".join(traceback.format_exception(caught.value))


def test_our_errors_pass_as_one_line_without_their_causes() -> None:
    text = printed(UnknownDomain("no such domain"))
    assert text.splitlines()[-1] == "OptOutFailed: no such domain"
    assert PLANTED not in text


def test_unexpected_errors_tell_kind_and_place_and_not_their_text() -> None:
    text = printed(KeyError(PLANTED))
    assert text.splitlines()[-1].startswith("OptOutFailed: unexpected KeyError in test_plugin.py:")
    assert PLANTED not in text


def test_the_place_is_told_where_stack_frames_are_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "tracebacklimit", 0, raising=False)
    assert " in test_plugin.py:" in printed(KeyError(PLANTED))


def test_nothing_is_chained() -> None:
    with pytest.raises(OptOutFailed) as caught:
        fails(KeyError(PLANTED))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_results_and_names_pass() -> None:
    @clean_failures
    def double(number: int) -> int:
        return 2 * number

    assert double(4) == 8
    assert double.__name__ == "double"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_module, "_runtimes", {})


def test_same_settings_share_a_client() -> None:
    settings = ClientSettings("http://127.0.0.1:1", "us-east-1")
    assert plugin_module.runtime_for(settings) is plugin_module.runtime_for(
        ClientSettings("http://127.0.0.1:1", "us-east-1")
    )
    assert plugin_module.runtime_for(settings) is not plugin_module.runtime_for(ClientSettings(None, "us-east-1"))


def test_one_snapshot_a_domain() -> None:
    shared = plugin_module.runtime_for(ClientSettings("http://127.0.0.1:1", "us-east-1"))
    assert shared.snapshot("a" * 22) is shared.snapshot("a" * 22)
    assert shared.snapshot("a" * 22) is not shared.snapshot("b" * 22)


def test_the_environment_wins_over_the_stacks_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    config = Config({"p:region": "us-east-1", "p:endpoint": "http://127.0.0.1:1"}, "p")
    assert plugin_module.configured(config) is plugin_module.runtime_for(
        ClientSettings("http://127.0.0.1:1", "eu-west-2")
    )


def test_a_program_and_a_preview_do_not_load_botocore() -> None:
    script = "import sys, voiceid_optout.providers; sys.exit('botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


def test_waits_are_said_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    plugin_module.say_wait("OptOutSpeaker", 41.7)
    assert capfd.readouterr().err == "Voice ID: OptOutSpeaker waits for its quota, another 42 s\n"


def test_the_aws_config_of_the_stack_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config({"p:endpoint": "http://127.0.0.1:1", "aws:region": "eu-west-2", "aws:profile": "main"}, "p")
    wanted = ClientSettings("http://127.0.0.1:1", "eu-west-2", identity=Identity(profile="main"))
    assert plugin_module.configured(config) is plugin_module.runtime_for(wanted)
    monkeypatch.setenv("OPTOUT_AWS_CONFIG", '{"profile": "today"}')
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    today = ClientSettings("http://127.0.0.1:1", "eu-west-2", identity=Identity(profile="today"))
    assert plugin_module.configured(config) is plugin_module.runtime_for(today)


def failing(*numbers: int, error: Exception) -> Callable[[int], int]:
    def work(number: int) -> int:
        if number in numbers:
            raise error
        return -number

    return work


def test_every_item_is_worked_on_once() -> None:
    outcome = WorkerPool(4).map(lambda number: -number, range(1000))
    assert sorted(outcome.results) == [(number, -number) for number in range(1000)]
    assert (outcome.failures, outcome.left) == ([], 0)


def test_no_work_starts_nothing() -> None:
    assert WorkerPool(4).map(lambda _: pytest.fail("called"), []).results == []


def test_work_is_done_at_the_same_time() -> None:
    barrier = threading.Barrier(8, timeout=600)
    assert len(WorkerPool(8).map(lambda _: barrier.wait(), range(8)).results) == 8


def test_several_callers_share_the_threads() -> None:
    pool = WorkerPool(2)
    results: list[int] = []

    def call() -> None:
        results.append(len(pool.map(lambda number: number, range(100)).results))

    callers = [threading.Thread(target=call) for _ in range(5)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(600)
    assert results == [100] * 5


def test_a_failure_about_one_person_stops_nobody_else() -> None:
    error = RequestInvalid("no")
    outcome = WorkerPool(4).map(failing(3, 70, error=error), range(100))
    assert sorted(outcome.failures) == [(3, error), (70, error)]
    assert len(outcome.results) == 98
    assert outcome.left == 2


def test_any_other_failure_starts_nothing_further() -> None:
    outcome = WorkerPool(1).map(failing(3, error=QuotaExceeded("full")), range(100))
    assert [item for item, _ in outcome.results] == [0, 1, 2]
    assert [item for item, _ in outcome.failures] == [3]
    assert (outcome.not_started, outcome.left) == (96, 97)


def test_an_unexpected_error_of_the_work_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        WorkerPool(2).map(lambda number: 1 // number, range(100))
