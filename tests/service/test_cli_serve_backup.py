"""``optout serve backup`` and ``optout serve restore`` as they are typed."""

from pathlib import Path
from typing import Any

import click.testing
import pytest

from tests.service.running import thread
from tests.tables import each_row
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.serve import SUBCOMMANDS, command


def invoke(*arguments: Any, **environment: str) -> Any:
    return click.testing.CliRunner(env=environment).invoke(command, [str(argument) for argument in arguments])


def test_a_backup_and_its_restoration(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "copy.db"
    with thread(data):
        made = invoke("backup", "--data", data, file)
        refused = invoke("restore", "--data", data, file, "--replace")
    assert made.stderr.strip() == "Copying"
    told = f"Backup {file}: {file.stat().st_size / 1e6:.1f} MB, checked.\n"
    assert (made.exit_code, made.stdout) == (ExitCode.DONE, told)
    assert refused.exit_code == ExitCode.LOCKED
    assert refused.stderr.startswith("optout serve restore: Another service is using ")
    again = invoke("backup", "--data", data, file)
    assert (again.exit_code, again.stdout) == (ExitCode.FAILED, "")
    assert again.stderr == (
        f"optout serve backup: {file} is there already; choose another name, or give --replace.\n"
    )
    nothing = invoke("backup", "--data", tmp_path / "nowhere", tmp_path / "none.db")
    assert nothing.stderr.startswith("optout serve backup: ")
    assert "holds no database" in nothing.stderr
    restored = invoke("restore", "--data", data, file, "--replace")
    assert restored.exit_code == ExitCode.DONE
    assert restored.stdout.startswith(f"Restored {file}. The former database is {data}/voiceid.db.before-restore-")
    assert invoke("restore", "--data", tmp_path / "new", file).stdout == f"Restored {file}.\n"


@each_row("name", SUBCOMMANDS)
def test_every_command_s_help_teaches(name: str) -> None:
    shown = invoke(name, "--help").stdout
    assert "Example" in shown
    assert f"$ optout serve {name}" in shown
    assert "Exit codes: 0 " in shown


@pytest.mark.parametrize("name", ["backup", "restore"])
def test_options_of_the_service_before_a_command_are_refused(tmp_path: Path, name: str) -> None:
    result = invoke("--data", tmp_path, name, tmp_path / "copy.db")
    assert result.exit_code == ExitCode.USAGE
    assert f"--data goes behind the command: optout serve {name} ..." in result.stderr


@pytest.mark.parametrize(("name", "arguments"), [("backup", ["copy.db"]), ("restore", ["copy.db"])])
def test_a_database_that_is_none_ends_with_one_line(name: str, arguments: list[str]) -> None:
    result = invoke(name, "--database", "mysql://u:hunter2@host/x", *arguments)
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr == (
        f"optout serve {name}: The database must start with postgresql://. SQLite needs no URL: its file lies in "
        "the data folder.\n"
    )


def test_a_password_on_the_command_line_is_warned_of(tmp_path: Path) -> None:
    url = "postgresql://service:hunter2@127.0.0.1:1/voiceid"
    shown = invoke("--data", tmp_path, "--port", "0", "--database", url)
    assert shown.exit_code == ExitCode.FAILED
    warning, refusal = shown.stderr.splitlines()
    assert "can read the password in --database" in warning
    assert "cannot be used as the service's database" in refusal
    assert "hunter2" not in shown.stderr
    quiet = invoke("--data", tmp_path, "--port", "0", OPTOUT_DATABASE=url)
    assert len(quiet.stderr.splitlines()) == 1
