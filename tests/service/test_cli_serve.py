"""The command in this process, with a run that ends at once or stops with its input."""

import os
import re
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import click.testing
import pytest

from tests.service.running import START, thread
from voiceid_optout.cli.connection import SERVICE_PACKAGES
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.main import main
from voiceid_optout.cli.serve import command
from voiceid_optout.service.data_folder import find


def invoke(*options: Any) -> Any:
    return click.testing.CliRunner().invoke(command, [str(option) for option in options])


def test_the_packages_it_asks_for_are_those_of_the_extra() -> None:
    with (Path(__file__).parents[2] / "pyproject.toml").open("rb") as file:
        extra = tomllib.load(file)["project"]["optional-dependencies"]["service"]
    everywhere = [re.split(r"[^a-z-]", text)[0].replace("-", "_") for text in extra if ";" not in text]
    assert [*SERVICE_PACKAGES] == everywhere


@pytest.mark.parametrize("words", [["serve"], ["serve", "keys", "list"], ["serve", "backup", "x"]])
def test_a_package_that_is_missing(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    result = click.testing.CliRunner().invoke(main, words)
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == (
        "error: the service needs sqlalchemy, which is not installed; run: pip install 'voiceid-optout[service]'\n"
    )


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


def ready_lines(data: Path, *options: str) -> list[str]:
    """Start the service, stop it, and return what it printed."""
    command_line = [*START, "--data", str(data), "--port", "0", "--stop-with-stdin", *options]
    run = subprocess.run(command_line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def test_the_exports_can_be_pasted_whatever_the_folder_is_called(tmp_path: Path) -> None:
    data = tmp_path / "it's a $folder; with `marks`"
    lines = ready_lines(data)
    script = "\n".join([*lines[1:], 'printf %s "$AWS_SHARED_CREDENTIALS_FILE"'])
    pasted = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert Path(pasted.stdout) == data / "credentials"
    assert str(data / "credentials") in lines[0]


def test_a_service_without_a_key_of_its_own_names_no_file(tmp_path: Path) -> None:
    lines = ready_lines(tmp_path / "data", "--no-first-key")
    assert "keys only those of `optout serve keys`" in lines[0]
    assert not any("CREDENTIALS" in line for line in lines)
    assert not (tmp_path / "data" / "credentials").exists()


def test_two_services_on_one_port(tmp_path: Path) -> None:
    with thread(tmp_path / "first") as running:
        port = running.url.rpartition(":")[2]
        result = invoke("--data", tmp_path / "second", "--port", port)
        admin = invoke("--data", tmp_path / "second", "--port", "0", "--admin-port", port)
    for refused, option in ((result, "--port"), (admin, "--admin-port")):
        assert refused.exit_code == ExitCode.FAILED
        assert refused.stderr == (
            f"optout serve: Cannot listen on 127.0.0.1 port {port}: Address already in use. "
            f"Choose another with {option}, or 0 for any free one.\n"
        )
