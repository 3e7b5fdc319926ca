import subprocess
import sys

import pytest
from pulumi.dynamic import Config

from tests.providers.process import ROOT
from voiceid_optout.providers import runtime
from voiceid_optout.voiceid import ClientSettings
from voiceid_optout.voiceid.identity import Identity


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
