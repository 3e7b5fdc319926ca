"""The command in this process, with a run that ends at once or stops with its input."""

import os
import threading
from pathlib import Path
from typing import Any

import click.testing
import pytest

from tests.service.running import thread
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.serve import command
from voiceid_optout.service.running import find


def invoke(*options: Any) -> Any:
    return click.testing.CliRunner().invoke(command, [str(option) for option in options])


def test_a_locked_folder(tmp_path: Path) -> None:
    with thread(tmp_path):
        result = invoke("--data", tmp_path, "--port", "0")
    assert result.exit_code == ExitCode.LOCKED
    assert "Another service" in result.stderr


def test_a_domain_id_of_the_wrong_form(tmp_path: Path) -> None:
    result = invoke("--data", tmp_path, "--port", "0", "--domain", "short=sandbox")
    assert result.exit_code == ExitCode.FAILED
    assert "The domain 'short' cannot be made" in result.stderr


def test_it_serves_until_its_input_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()

    class Input:
        def fileno(self) -> int:
            return reading

    monkeypatch.setattr("sys.stdin", Input())
    seen = []

    def close_when_ready(folder: Path) -> None:
        while (running := find(folder)) is None:
            pass
        seen.append(running)
        os.write(writing, b"ignored")
        os.close(writing)

    watcher = threading.Thread(target=close_when_ready, args=(tmp_path,))
    watcher.start()
    domain = "a" * 22
    before = os.umask(0o022)  # the command tightens it for its process
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        command.main(
            ["--data", str(tmp_path), "--port", "0", "--domain", domain, "--stop-with-stdin"],
            standalone_mode=False,
        )
    watcher.join()
    os.umask(before)
    os.close(reading)
    assert seen
    assert find(tmp_path) is None


def test_objects_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    result = invoke("--data", tmp_path / "data", "--port", "0", "--objects", tmp_path / "missing")
    assert result.exit_code == ExitCode.FAILED
    assert "--objects" in result.stderr
    assert "make it, with one folder a bucket in it" in result.stderr
