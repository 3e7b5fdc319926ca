"""The plugin's process alone, and its watchdog."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engine.bench import REPOSITORY
from tests.engine.embedded.processes import TIMEOUT
from voiceid_optout.engine.embedded.plugin_process import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "voiceid_optout.engine.embedded.plugin_process"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        yield started
        started.kill()


def test_says_that_it_is_ready_and_ends_with_the_pipe(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    assert process.stdin is not None
    assert int(process.stdout.readline()) > 0
    process.stdin.write(b"what is written does not matter")
    process.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.2)
    process.stdin.close()
    assert process.wait(timeout=TIMEOUT) == 1


def test_ends_with_the_pipe_while_it_starts(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=TIMEOUT) == 1


def test_the_sdk_asks_its_grpc_server_for_nothing_but_what_ours_does() -> None:
    """What of pulumi's plugin is hooked: a newer SDK that asks for more fails here first, and says for what."""
    spec = find_spec("pulumi.dynamic.__main__")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    asked = {
        (getattr(node.value, "id", ""), node.attr) for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }
    tried = f"pulumi {version('pulumi')} with grpcio {version('grpcio')}"
    assert ("grpc", "server") in asked, f"{tried}: the plugin no longer calls grpc.server"
    assert {name for owner, name in asked if owner == "server" and not hasattr(Server, name)} == set(), tried
