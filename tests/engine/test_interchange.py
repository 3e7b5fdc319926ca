"""One stack whose engine changes between any two commands; with the real CLI, skipped where it is not on PATH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.bench import REPOSITORY, Bench, Ran
from tests.engine.official.conftest import performer
from voiceid_optout.state import StackLockedError

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.official, pytest.mark.usefixtures("official")]

TOKEN = "sample:token:\n  secure: v1:oQIxDYwa5oylRGSj:Jbr+B536fsjRUGK7ih/dqXjvVJ1cTQ==\n"
GROUP = {"g": {"component": True}, "s0": {"parent": "g"}}
LIFE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("up", {**GROUP, "s1": {"secret": True}, "s2": {"depends_on": ["s1"]}}),
    ("refresh", {**GROUP, "s1": {"secret": True}, "s2": {"depends_on": ["s1"]}}),
    ("up", {**GROUP, "s1": {"secret": True, "val": "b"}, "s2": {"depends_on": ["s1"]}}),
    ("up", {**GROUP, "s1": {"secret": True, "val": "b"}, "s3": {"protect": True}}),
    ("up", {**GROUP, "s4": {"retain_on_delete": True}, "s3": {}}),
    ("up", {"s4": {"retain_on_delete": True}, "s3": {"additional_secret_outputs": ["status"]}}),
    ("up", {}),
    ("up", {**GROUP, "s1": {"secret": True}}),
)


def runners(bench: Bench) -> dict[str, Callable[..., Ran]]:
    return {"embedded": bench.run, "pulumi": performer(bench)}


def until(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not happened():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("first", ["embedded", "pulumi"])
def test_a_life_in_turns(bench: Bench, first: str) -> None:
    bench.config("sample:greeting: hello\n" + TOKEN)
    order = [first, *({"embedded", "pulumi"} - {first})]
    engines = runners(bench)
    for number, (operation, wants) in enumerate(LIFE):
        writer, reader = order[number % 2], order[(number + 1) % 2]
        bench.want(**wants)
        assert engines[writer](operation).ok
        seen = engines[reader]("preview", refresh=True)
        assert seen.ok
        assert set(seen.changes) <= {"same"}, (number, reader, seen.changes)
        bench.cli("stack", "export", "--show-secrets", "--file", os.devnull)
    assert "hush" not in bench.backend.state_file.read_text(encoding="utf-8")
    entries = json.loads(bench.cli("stack", "history", "--json").stdout)
    assert [entry["kind"] for entry in entries] == [operation.replace("up", "update") for operation, _ in LIFE][
        ::-1
    ]
    assert {entry["result"] for entry in entries} == {"succeeded"}


def test_the_embedded_engines_lock_stops_the_cli(settled: Bench) -> None:
    settled.want(s0={}, s3={})
    hold = settled.hold("create:s3")
    command = [sys.executable, "-m", "tests.engine.embedded.run_engine", str(settled.root), "up"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, text=True, stdout=subprocess.PIPE) as holder:
        try:
            until(lambda: any(settled.backend.lock_folder.glob("*")), holder)
            with pytest.raises(StackLockedError) as caught:
                performer(settled)("up")
            refused = settled.cli("up", "--yes", "--skip-preview", rc=None)
        finally:
            hold.unlink()
        assert holder.wait() == 0
    assert f"(pid {holder.pid})" in caught.value.holder
    assert "pulumi cancel" in str(caught.value) or str(caught.value.path) in str(caught.value)
    assert "created by" in refused.stderr
    assert performer(settled)("preview").changes == {"same": 3}


def test_the_clis_lock_stops_the_embedded_engine(settled: Bench) -> None:
    settled.want(s0={}, s3={})
    hold = settled.hold("create:s3")
    environment = {
        **os.environ,
        **settled.environment,
        "PULUMI_HOME": str(settled.root.parent / "pulumi-home"),
        "PULUMI_BACKEND_URL": f"file://{settled.backend.root}",
        "PULUMI_STACK": "dev",
    }
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
    with subprocess.Popen(command, cwd=settled.root, env=environment, text=True, stdout=subprocess.PIPE) as holder:
        try:
            until(lambda: any(settled.backend.lock_folder.glob("*")), holder)
            with pytest.raises(StackLockedError) as caught:
                settled.up()
        finally:
            hold.unlink()
        assert f"(pid {holder.pid})" in caught.value.holder
        assert caught.value.since.startswith("20")
        holder.communicate()
        assert holder.returncode == 0
    assert settled.run("preview").changes == {"same": 3}
