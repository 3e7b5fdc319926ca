"""The plugin as the engine uses it: one real process a test."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.bench import Bench, urn
from tests.engine.embedded.processes import calls, living, wait_for
from voiceid_optout.engine.embedded.plugin import Plugin, Plugins, ProviderError
from voiceid_optout.engine.interface import Request, Result
from voiceid_optout.state import PluginError
from voiceid_optout.state.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


URN = urn("s0")


@pytest.fixture
def forked_engine() -> None:
    """Start plugins as ever: how they start and end is what is tested."""


class Started:
    """A plugin on the sample's provider, and what it says."""

    def __init__(self, bench: Bench, provider: str, **environment: str) -> None:
        self.said: list[str] = []
        self.provider = provider
        self.bench = bench
        self.plugin = Plugin(bench.root, "sample", {**bench.environment, **environment}, self.said.append)
        self.plugin.configure({"sample:key": "v"})

    def props(self, **more: Any) -> dict[str, Any]:
        return {"__provider": self.provider, "name": "s0", "val": "a", **more}


@pytest.fixture
def started(settled: Bench) -> Iterator[Started]:
    item = Started(settled, settled.things()["s0"].inputs["__provider"])
    yield item
    item.plugin.close()


def test_every_method(started: Started) -> None:
    plugin, props = started.plugin, started.props()
    assert plugin.check(URN, {}, props) == (props, [])
    id_, outputs = plugin.create(URN, props)
    assert (id_, outputs) == ("id-s0-a", {**props, "status": "ON"})
    diff = plugin.diff(URN, id_, outputs, started.props(val="b"))
    assert (diff.changes, diff.replaces, diff.delete_before_replace) == (True, (), False)
    assert plugin.update(URN, id_, outputs, started.props(val="b")) == {**started.props(val="b"), "status": "ON"}
    assert plugin.read(URN, id_, outputs, props) == (id_, outputs, props)
    plugin.delete(URN, id_, outputs)
    assert "id-s0-a" not in started.bench.objects()
    configured = [call["config"] for call in started.bench.calls() if call["method"] == "configure"]
    assert configured[-1] == {"sample:key": "v"}


def test_diff_without_an_opinion_and_with_a_replace(started: Started) -> None:
    props = started.props()
    started.bench.faults({"diff:s0": {"answer": {}}})
    assert started.plugin.diff(URN, "id-s0-a", props, props).changes is None
    answer = {"changes": True, "replaces": ["val"], "delete_before_replace": True}
    started.bench.faults({"diff:s0": {"answer": answer}})
    diff = started.plugin.diff(URN, "id-s0-a", props, props)
    assert (diff.changes, diff.replaces, diff.delete_before_replace) == (True, ("val",), True)


def test_secret_inputs_are_secret_again_in_what_comes_back(started: Started) -> None:
    secret = started.props(val=Secret("hush"))
    inputs, _ = started.plugin.check(URN, {}, secret)
    assert inputs["val"] == Secret("hush")
    id_, outputs = started.plugin.create(URN, secret)
    assert outputs["val"] == Secret("hush")
    assert started.plugin.read(URN, id_, outputs, secret)[1]["val"] == Secret("hush")


def test_read_that_gives_new_inputs(started: Started) -> None:
    started.bench.faults({"read:s0": {"inputs": {"name": "s0", "val": "c"}}})
    secret = started.props(val=Secret("a"))
    assert started.plugin.read(URN, "id-s0-a", secret, secret)[2] == started.props(val=Secret("c"))


def test_read_of_what_is_gone(started: Started) -> None:
    started.bench.drift("id-s0-a", None)
    assert started.plugin.read(URN, "id-s0-a", started.props(), started.props())[0] == ""


def test_complaints_of_a_check(started: Started) -> None:
    started.bench.faults({"check:s0": {"answer": "is not what we want"}})
    assert started.plugin.check(URN, {}, started.props())[1] == ["property val: is not what we want"]


def test_a_method_that_raises_is_its_last_line(started: Started) -> None:
    started.bench.faults({"create:s0": {"error": "the cloud says no"}})
    with pytest.raises(ProviderError, match=r"^the cloud says no$"):
        started.plugin.create(URN, started.props())


@pytest.mark.parametrize("id_", ["", None])
def test_create_without_an_id(started: Started, id_: str | None) -> None:
    started.bench.faults({"create:s0": {"answer": id_}})
    started.bench.drift("id-s0-a", None)
    if id_ is None:
        started.bench.write("cloud.py", (started.bench.root / "cloud.py").read_text().replace(
            'fault.get("answer", id_)', "None"))  # fmt: skip
    with pytest.raises(ProviderError, match="returned no id for a resource it created"):
        started.plugin.create(URN, started.props())


def test_lines_it_prints_are_said_also_the_last(settled: Bench) -> None:
    text = (settled.root / "cloud.py").read_text(encoding="utf-8")
    settled.write("cloud.py", f"import sys\nprint('hello there')\nprint('caf\u00e9', file=sys.stderr)\n{text}")
    item = Started(settled, settled.things()["s0"].inputs["__provider"])
    item.plugin.check(URN, {}, item.props())
    item.plugin.close()
    assert sorted(item.said) == ["caf\u00e9", "hello there"]


def test_what_it_leaves_behind_does_not_hold_the_engine(settled: Bench) -> None:
    """A process the provider started keeps the plugin's output open."""
    text = (settled.root / "cloud.py").read_text(encoding="utf-8")
    settled.write("cloud.py", f"import subprocess\nLEFT = subprocess.Popen(['sleep', '60'])\n{text}")
    item = Started(settled, settled.things()["s0"].inputs["__provider"])
    item.plugin.check(URN, {}, item.props())
    item.plugin.close()
    (left,) = living(settled.root)
    os.kill(left, signal.SIGKILL)


def test_closed_without_a_call(settled: Bench) -> None:
    Started(settled, "").plugin.close()
    assert living(settled.root) == []


def test_one_that_does_not_heed_the_end_is_killed(settled: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    settled.write("sitecustomize.py", "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n")
    monkeypatch.setattr("voiceid_optout.engine.embedded.plugin.CLOSE_TIMEOUT", 0.2)
    item = Started(settled, settled.things()["s0"].inputs["__provider"])
    item.plugin.check(URN, {}, item.props())
    item.plugin.close()
    assert living(settled.root) == []


def test_one_that_does_not_start_fails_every_call_alike(settled: Bench) -> None:
    """The environment is broken: the interpreter ends before the plugin begins."""
    settled.write("sitecustomize.py", "import sys\nsys.exit('this interpreter is broken')\n")
    item = Started(settled, "")
    with ThreadPoolExecutor(4) as pool:
        failures = [pool.submit(item.plugin.check, URN, {}, item.props()).exception() for _ in range(8)]
    item.plugin.close()
    assert {type(failure) for failure in failures} == {PluginError}
    assert {str(failure) for failure in failures} == {
        "the provider plugin did not start: this interpreter is broken"
    }


def test_one_that_cannot_import_pulumi_fails_the_run_and_loses_nothing(settled: Bench) -> None:
    settled.write("pulumi.py", "raise ImportError('not this one')\n")
    ran = settled.run("refresh")
    assert "plugin did not start" in ran.errors
    assert sorted(settled.things()) == ["s0", "s1", "s2"]


def test_one_that_says_something_else_than_its_port(settled: Bench) -> None:
    settled.write("sitecustomize.py", "print('welcome', flush=True)\n")
    item = Started(settled, "")
    with pytest.raises(PluginError, match="did not start: it printed something else than its port"):
        item.plugin.check(URN, {}, item.props())
    item.plugin.close()


@pytest.mark.parametrize("operation", ["up", "refresh", "drift", "destroy"])
def test_a_run_with_one_that_does_not_start(settled: Bench, operation: str) -> None:
    before = settled.checkpoint()
    settled.want(s0={"val": "b"}, s1={"val": "b"}, s2={}, s3={})
    ran = settled.run(operation, environment={"PYTHONPATH": str(broken_for_the_plugin(settled))})
    assert ran.outcome.result is Result.FAILED
    assert ran.outcome.errors == ("the provider plugin did not start: no plugin today",)
    after = settled.checkpoint()
    assert {item.urn: item.inputs for item in after.resources} == {
        item.urn: item.inputs for item in before.resources
    }


def broken_for_the_plugin(bench: Bench) -> Any:
    """A folder whose sitecustomize lets the program run and not the plugin."""
    folder = bench.root.parent / "broken"
    folder.mkdir()
    ours = "voiceid_optout.engine.embedded.plugin_process"
    text = f"import sys\nif {ours!r} in sys.orig_argv: sys.exit('no plugin today')\n"
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    return folder


def test_killed_in_a_call(started: Started) -> None:
    started.bench.faults({"update:s0": {"kill": 1}})
    with pytest.raises(PluginError, match=r"^the provider plugin was ended by signal 9$"):
        started.plugin.update(URN, "id-s0-a", started.props(), started.props())
    with pytest.raises(PluginError, match=r"^the provider plugin was ended by signal 9$"):
        started.plugin.check(URN, {}, started.props())


def test_exits_in_a_call(started: Started) -> None:
    text = (started.bench.root / "cloud.py").read_text(encoding="utf-8")
    started.bench.write("cloud.py", text.replace("os.kill(os.getpid(), signal.SIGKILL)", "os._exit(7)"))
    started.bench.faults({"update:s0": {"kill": 1}})
    with pytest.raises(PluginError, match="the provider plugin ended with exit status 7"):
        started.plugin.update(URN, "id-s0-a", started.props(), started.props())


def test_kill_fails_the_calls_under_way(started: Started) -> None:
    started.bench.faults({"update:s0": {"wait": 60}})
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(started.plugin.update, URN, "id-s0-a", started.props(), started.props())
        wait_for(lambda: calls(started.bench, "update"))
        started.plugin.kill()
        assert isinstance(call.exception(), PluginError)


def test_a_stopped_plugin_that_answers_nothing(started: Started) -> None:
    """The connection is refused although the process lives: its server has ended."""
    text = (started.bench.root / "cloud.py").read_text(encoding="utf-8")
    closing = "os.closerange(3, 100); time.sleep(60)"
    started.bench.write("cloud.py", text.replace("os.kill(os.getpid(), signal.SIGKILL)", closing))
    started.bench.faults({"update:s0": {"kill": 1}})
    with pytest.raises(PluginError, match="the provider plugin does not answer any more"):
        started.plugin.update(URN, "id-s0-a", started.props(), started.props())


@pytest.mark.parametrize(
    ("fault", "kind", "calls_made"),
    [
        ("create:s3", "creating", [("create", "s3")]),
        ("update:s0", "updating", [("update", "s0")]),
        ("delete:s2", "deleting", [("delete", "s2")]),
    ],
)
def test_a_step_whose_plugin_was_killed_stays_pending(
    settled: Bench, fault: str, kind: str, calls_made: list[tuple[str, str]]
) -> None:
    name = fault.split(":")[1]
    wishes: dict[str, dict[str, Any]] = {"s0": {}, "s1": {}, "s2": {}}
    wishes |= {"s3": {}} if name == "s3" else {"s0": {"val": "b"}} if name == "s0" else {}
    if name == "s2":
        del wishes["s2"]
    settled.want(**wishes)
    settled.faults({fault: {"kill": 1}})
    ran = settled.up()
    assert ran.outcome.errors == ("the provider plugin was ended by signal 9",)
    assert ran.outcome.result is Result.FAILED
    (pending,) = settled.checkpoint().pending
    assert (pending.type, pending.resource.urn) == (kind, urn(name))
    settled.faults()
    again = settled.up()
    assert "1 steps of an earlier run may have happened or not" in again.said("warning")
    assert again.ok
    assert again.made() == calls_made
    assert settled.checkpoint().pending == ()
    assert sorted(settled.things()) == sorted(wishes)


def test_a_create_that_is_asked_for_no_more_is_forgotten(settled: Bench) -> None:
    wishes: dict[str, dict[str, Any]] = {"s0": {}, "s1": {}, "s2": {}}
    settled.want(**wishes, s3={})
    settled.faults({"create:s3": {"kill": 1}})
    assert not settled.up().ok
    settled.faults()
    settled.want(**wishes)
    assert settled.up(targets=[urn("s1")]).ok
    assert [one.resource.urn for one in settled.checkpoint().pending] == [urn("s3")]
    assert settled.up().ok
    assert settled.checkpoint().pending == ()


@pytest.mark.parametrize("operation", ["refresh", "drift", "destroy"])
def test_killed_without_a_program(settled: Bench, operation: str) -> None:
    settled.faults({"read:s1": {"kill": 1}, "delete:s1": {"kill": 1}})
    ran = settled.run(operation, parallel=1)
    assert ran.outcome.errors == ("the provider plugin was ended by signal 9",)
    assert len(ran.made("read", "delete")) <= 3
    settled.faults()
    assert settled.run(operation).ok


@pytest.fixture
def plugins(tmp_path: Path) -> Iterator[Plugins]:
    request = Request(root=tmp_path, stack="dev", backend=tmp_path)
    made = Plugins(request, "sample", lambda _line: None)
    yield made
    made.close()


def test_one_process_a_config(plugins: Plugins) -> None:
    one = plugins.with_config({"a": "1", "b": "2"})
    assert plugins.with_config({"b": "2", "a": "1"}) is one
    assert plugins.with_config({"b": Secret("2"), "a": "1"}) is one
    assert plugins.with_config({}) is not one


def test_asked_by_many_at_once(plugins: Plugins) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: plugins.with_config({"a": "1"}), range(16)))
    assert len(set(map(id, found))) == 1


def test_the_process_started_before_is_the_first(plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins.start()
    plugins.start()
    with monkeypatch.context() as patch:
        patch.setattr(plugins, "_launch", None)  # a second process would be one too many
        one = plugins.with_config({"a": "1"})
    assert plugins.with_config({"a": "1"}) is one
    assert plugins.with_config({}) is not one


def test_a_process_that_nobody_needed_ends(plugins: Plugins) -> None:
    plugins.start()
    (spare,) = plugins._all()
    plugins.kill()
    plugins.close()
    assert spare._process.wait(0) is not None


def test_killed(plugins: Plugins) -> None:
    ones = [plugins.with_config({}), plugins.with_config({"a": "1"})]
    plugins.kill()
    for one in ones:
        with pytest.raises(PluginError):
            one.check(urn("s1"), {}, {})


def test_nothing_started_nothing_to_end(tmp_path: Path) -> None:
    plugins = Plugins(Request(root=tmp_path / "none", stack="dev", backend=tmp_path), "sample", print)
    plugins.kill()
    plugins.close()
