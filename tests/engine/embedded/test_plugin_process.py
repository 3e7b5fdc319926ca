"""The plugin's process alone, and its lifeline."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.engine.bench import REPOSITORY
from tests.engine.embedded.processes import PATIENCE

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
    assert process.wait(timeout=PATIENCE) == 1


def test_ends_with_the_pipe_while_it_starts(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(timeout=PATIENCE) == 1
