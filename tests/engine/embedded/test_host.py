"""The engine's side of a program: real programs in processes of their own."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import resource_pb2

from tests.engine.bench import SEALED
from tests.engine.embedded.processes import living, wait_for
from voiceid_optout.engine.embedded.host import ProgramEnd, ProgramHost, program_providers
from voiceid_optout.speakers import Ensure, Person, Shard
from voiceid_optout.state import ProgramError
from voiceid_optout.state import project as projects

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engine.bench import Bench


class Served:
    """A program, what it said and what it asked for."""

    def __init__(self, root: Path, program: str, **environment: str) -> None:
        self.root = root
        (root / "__main__.py").write_text(program, encoding="utf-8")
        self.said: list[str] = []
        self.asked: list[str] = []
        self.host = ProgramHost(root, environment, self.said.append)

    def run(self, **start: Any) -> ProgramEnd:
        known = {
            "root": str(self.root),
            "project": "sample",
            "stack": "dev",
            "config": {"sample:greeting": "hello", "sample:token": "hush"},
            "secret_keys": ["sample:token"],
            "parallel": 4,
            "dry_run": False,
            "declared": None,
        }
        return self.host.run(known | start, self.serve, 4)

    def serve(self, method: str, request: Any) -> Any:
        self.asked.append(method)
        match method:
            case "GetDeploymentInfo":
                return resource_pb2.DeploymentInfo(project="sample", stack="dev", organization="organization")
            case "SupportsFeature":
                return resource_pb2.SupportsFeatureResponse(hasSupport=True)
            case "RegisterResource":
                if request.name == "wrong":
                    raise ValueError("the handler failed")
                return resource_pb2.RegisterResourceResponse(
                    urn=f"urn:pulumi:dev::sample::{request.type}::{request.name}"
                )
            case _:
                return empty_pb2.Empty()


@contextmanager
def served(root: Path, program: str, **environment: str) -> Iterator[Served]:
    item = Served(root, program, **environment)
    try:
        yield item
    finally:
        item.host.stop()
        assert living(root) == []


def test_a_program_that_ends_well(tmp_path: Path) -> None:
    with served(tmp_path, "import pulumi\npulumi.ComponentResource('a:b:C', 'one')\n") as program:
        assert program.run() == ProgramEnd()
    assert program.asked.count("RegisterResource") == 2  # the stack, too
    assert program.asked.count("SignalAndWaitForShutdown") == 1


def test_its_output_is_said_line_by_line_without_empty_ones(tmp_path: Path) -> None:
    text = (
        "import sys\nprint('one\\n\\ntwo  ')\nprint('last', end='')\n"
        "sys.stderr.buffer.write(b'caf\\xc3\\xa9 \\xff\\n')\n"
    )
    with served(tmp_path, text) as program:
        assert program.run() == ProgramEnd()
    assert sorted(program.said) == ["café \ufffd", "last", "one", "two"]


def test_the_environment_is_added(tmp_path: Path) -> None:
    with served(
        tmp_path, "import os\nprint(os.environ['SAMPLE_WORD'], 'PATH' in os.environ)\n", SAMPLE_WORD="w"
    ) as program:
        program.run()
    assert program.said == ["w True"]


def test_a_handler_that_raises_fails_the_program_with_its_message(tmp_path: Path) -> None:
    with served(tmp_path, "import pulumi\npulumi.ComponentResource('a:b:C', 'wrong')\n") as program:
        end = program.run()
    assert end.error == "the handler failed"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "was ended by signal 9"),
        ("import os\nos._exit(3)\n", "ended with exit status 3"),
        ("import os\nos._exit(0)\n", "ended with exit status 0"),
    ],
)
def test_a_program_that_goes_without_a_word(tmp_path: Path, program: str, words: str) -> None:
    with (
        served(tmp_path, program) as item,
        pytest.raises(ProgramError, match=f"^the program {words} before it was done$"),
    ):
        item.run()


def test_a_program_that_is_gone_before_it_is_told_anything(tmp_path: Path) -> None:
    with served(tmp_path, "", PYTHONHOME="/nowhere") as item:
        item.host._process.wait()
        with pytest.raises(ProgramError, match="ended with exit status 1 before it was done"):
            item.run(config={f"sample:{number}": "x" * 1000 for number in range(10_000)})


def test_kill_ends_a_run(tmp_path: Path) -> None:
    with served(tmp_path, "import time\nprint('here')\ntime.sleep(60)\n") as item:

        def end() -> None:
            wait_for(lambda: item.said)
            item.host.kill()

        killer = threading.Thread(target=end)
        killer.start()
        with pytest.raises(ProgramError, match="was ended by signal 9"):
            item.run()
        killer.join()


def test_stop_before_a_run_does_not_wait(tmp_path: Path) -> None:
    item = Served(tmp_path, "")
    item.host.stop()
    assert living(tmp_path) == []
    assert item.said == []


def test_what_a_program_leaves_behind_does_not_hold_the_engine(tmp_path: Path) -> None:
    text = "import subprocess\nprint(subprocess.Popen(['sleep', '60']).pid)\n"
    item = Served(tmp_path, text)
    assert item.run() == ProgramEnd()
    item.host.stop()
    os.kill(int(item.said[0]), signal.SIGKILL)


def test_it_leads_a_process_group_of_its_own(tmp_path: Path) -> None:
    """A terminal's Ctrl-C goes to the engine's group."""
    with served(tmp_path, "import os\nprint(os.getpgrp() == os.getpid())\n") as item:
        item.run()
    assert item.said == ["True"]


def test_calls_are_served_at_once_up_to_the_workers(tmp_path: Path) -> None:
    names = "import pulumi\nfor n in range(4):\n    pulumi.ComponentResource('a:b:C', f'c{n}')\n"
    meeting = threading.Barrier(4)

    class Together(Served):
        def serve(self, method: str, request: Any) -> Any:
            if method == "RegisterResource" and request.name.startswith("c"):
                meeting.wait(timeout=600)
            return super().serve(method, request)

    item = Together(tmp_path, names)
    assert item.run() == ProgramEnd()
    item.host.stop()


def sent(bench: Bench) -> frozenset[str]:
    request = bench.request()
    project = projects.load_project(request.root)
    return program_providers(
        request, project, projects.resolve(projects.load_stack(project, "dev"), SEALED.decrypt)
    )


def test_the_provider_of_the_program_and_nothing_is_done(bench: Bench) -> None:
    (text,) = sent(bench)
    assert text.startswith("gASV")
    assert bench.calls() == []
    assert not list(bench.backend.root.iterdir())


def test_a_program_that_fails_has_sent_what_it_had_sent(bench: Bench) -> None:
    bench.write("__main__.py", "raise SystemExit(3)\n")
    assert sent(bench) == frozenset()
    bench.write("__main__.py", "import os\nos._exit(3)\n")
    assert sent(bench) == frozenset()


def test_what_the_embedded_engine_does_not_do_is_answered_too(bench: Bench) -> None:
    bench.write(
        "__main__.py",
        "import pulumi\n"
        "class Other(pulumi.CustomResource):\n"
        "    def __init__(self, type_, name, opts=None, **props):\n"
        "        super().__init__(type_, name, props, opts)\n"
        "Other('aws:s3:Bucket', 'b')\n"
        "Other('aws:s3:Bucket', 'c', opts=pulumi.ResourceOptions(id='x'))\n"
        "pulumi.runtime.invoke('aws:index:getRegion', {})\n"
        "Other('pulumi-python:dynamic:R', 'r', __provider=pulumi.Output.secret('text'))\n",
    )
    assert sent(bench) == {"text"}


PRINTS = """
from voiceid_optout.speakers import handed_over
declared = handed_over()
print(declared, [getattr(one, "speaker_id", one) for one in declared or ()])
"""


@pytest.mark.parametrize(
    ("declared", "printed"),
    [
        (None, "None []"),
        ((), "() []"),
        ((Person("sp-1", "domain", "caller-1", Ensure.RELEASED, "sp-2"),), "(Person(sp-1),) ['caller-1']"),
        ((Shard("D", "a7", "", "sp-1 caller-1\n"),) * 25, "(Shard(D-a7, 0)"),
    ],
)
def test_the_program_is_told_whom_the_command_has_read(
    bench: Bench, declared: tuple[Person, ...] | tuple[Shard, ...] | None, printed: str
) -> None:
    bench.write("__main__.py", PRINTS)
    messages: list[str] = []

    def keep(event: Any) -> None:
        if event.diagnostic_event is not None:
            messages.append(event.diagnostic_event.message)

    assert bench.run("preview", keep, declared=declared).ok
    assert any(message.startswith(printed) for message in messages)
