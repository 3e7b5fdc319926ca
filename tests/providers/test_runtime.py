import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from pulumi.dynamic import Config

from tests.providers.process import ROOT
from voiceid_optout.providers import runtime
from voiceid_optout.providers.runtime import WorkerPool
from voiceid_optout.voiceid import QuotaExceeded, RequestInvalid
from voiceid_optout.voiceid.aws_config import Identity
from voiceid_optout.voiceid.settings import ClientSettings


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_runtimes", {})


def test_same_settings_share_a_client() -> None:
    settings = ClientSettings("http://127.0.0.1:1", "us-east-1")
    assert runtime.runtime_for(settings) is runtime.runtime_for(ClientSettings("http://127.0.0.1:1", "us-east-1"))
    assert runtime.runtime_for(settings) is not runtime.runtime_for(ClientSettings(None, "us-east-1"))


def test_one_snapshot_a_domain() -> None:
    shared = runtime.runtime_for(ClientSettings("http://127.0.0.1:1", "us-east-1"))
    assert shared.snapshot("a" * 22) is shared.snapshot("a" * 22)
    assert shared.snapshot("a" * 22) is not shared.snapshot("b" * 22)


def test_the_environment_wins_over_the_stacks_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    config = Config({"p:region": "us-east-1", "p:endpoint": "http://127.0.0.1:1"}, "p")
    assert runtime.configured(config) is runtime.runtime_for(ClientSettings("http://127.0.0.1:1", "eu-west-2"))


def test_a_program_and_a_preview_do_not_load_botocore() -> None:
    script = "import sys, voiceid_optout.providers; sys.exit('botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


def test_waits_are_said_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    runtime.say_wait("OptOutSpeaker", 41.7)
    assert capfd.readouterr().err == "Voice ID: OptOutSpeaker waits for its quota, another 42 s\n"


def test_the_aws_config_of_the_stack_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config({"p:endpoint": "http://127.0.0.1:1", "aws:region": "eu-west-2", "aws:profile": "main"}, "p")
    wanted = ClientSettings("http://127.0.0.1:1", "eu-west-2", identity=Identity(profile="main"))
    assert runtime.configured(config) is runtime.runtime_for(wanted)
    monkeypatch.setenv("OPTOUT_AWS_CONFIG", '{"profile": "today"}')
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    today = ClientSettings("http://127.0.0.1:1", "eu-west-2", identity=Identity(profile="today"))
    assert runtime.configured(config) is runtime.runtime_for(today)


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
