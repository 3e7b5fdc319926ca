"""``optout serve keys`` by itself; that a running service follows is in auth/test_keyring.py."""

import configparser
import json
import stat
from pathlib import Path
from typing import Any

import click.testing
import pytest

from tests.service.running import thread
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.serve import command
from voiceid_optout.service.db.database import FILE_NAME


@pytest.fixture
def keys(tmp_path: Path) -> Any:
    def invoke(*arguments: str) -> click.testing.Result:
        name, *rest = arguments
        return click.testing.CliRunner().invoke(command, ["keys", name, "--data", str(tmp_path / "data"), *rest])

    return invoke


def listed(keys: Any) -> list[dict[str, str]]:
    result = keys("list", "--json")
    assert result.exit_code == 0, result.output
    rows: list[dict[str, str]] = json.loads(result.stdout)
    return rows


def test_a_key_is_printed_as_a_section_of_a_credentials_file(keys: Any, tmp_path: Path) -> None:
    result = keys("add", "--role", "reconcile", "--may-release", "--name", "nightly")
    assert result.exit_code == 0
    parser = configparser.RawConfigParser()
    parser.read_string(result.stdout)
    key, secret = parser["nightly"]["aws_access_key_id"], parser["nightly"]["aws_secret_access_key"]
    assert len(secret) == 40
    assert "not shown again" in result.stderr
    (row,) = listed(keys)
    assert (row["key"], row["name"], row["role"]) == (key, "nightly", "reconcile+release")
    assert row["secret"] == "in the store"
    assert secret not in keys("list").output + keys("list", "--json").output + keys("revoke", key).output
    database = tmp_path / "data" / FILE_NAME
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    assert stat.S_IMODE(database.parent.stat().st_mode) == 0o700


def test_a_key_in_a_file_is_its_owner_s_alone(keys: Any, tmp_path: Path) -> None:
    path = tmp_path / "credentials"
    for name in ("ci", "nightly"):
        result = keys("add", "--role", "reconcile", "--name", name, "--output", str(path))
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"Added a key with the role reconcile: section [{name}] of {path}.\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    parser = configparser.RawConfigParser()
    parser.read(path)
    assert [parser[name]["aws_access_key_id"] for name in ("ci", "nightly")] == [row["key"] for row in listed(keys)]


@pytest.mark.parametrize(
    ("mode", "content", "words"),
    [
        (0o644, "", "can be read by others than its owner; run: chmod 600 "),
        (0o600, "x\n[ci]\n", "has a section [ci] already"),
    ],
)
def test_a_file_that_cannot_take_a_key_adds_none(
    keys: Any, tmp_path: Path, mode: int, content: str, words: str
) -> None:
    path = tmp_path / "credentials"
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    result = keys("add", "--role", "read", "--name", "ci", "--output", str(path))
    assert result.exit_code == ExitCode.FAILED
    assert words in result.stderr
    assert path.read_text(encoding="utf-8") == content
    assert listed(keys) == []


def test_a_key_that_nobody_was_told_is_not_added(
    keys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise CommandError("standard output cannot be written")

    monkeypatch.setattr("voiceid_optout.cli.serve_store.require_written", full)
    assert keys("add", "--role", "read").exit_code == ExitCode.FAILED
    monkeypatch.undo()
    assert listed(keys) == []
    assert keys("add", "--role", "read", "--output", str(tmp_path / "no" / "folder")).exit_code == ExitCode.FAILED
    assert listed(keys) == []


def test_a_reference_shows_no_secret(keys: Any, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text("hush-hush")
    result = keys("add", "--role", "read", "--secret", f"file:{path}", "--key-id", "AKIAEXAMPLE123456")
    assert result.stdout == "AKIAEXAMPLE123456\n"
    assert f"file:{path}" in result.stderr
    assert listed(keys)[0]["secret"] == f"file:{path}"
    assert "hush" not in result.output
    assert b"hush" not in (tmp_path / "data" / FILE_NAME).read_bytes()


def test_revoking(keys: Any, tmp_path: Path) -> None:
    key = keys("add", "--role", "admin", "--key-id", "AKIAEXAMPLE123456").stdout.splitlines()[1].split()[-1]
    assert keys("revoke", key).stdout == f"Revoked {key}.\n"
    assert keys("revoke", key).stdout == f"{key} was revoked before.\n"
    assert listed(keys)[0]["revoked"]
    again = keys("add", "--role", "admin", "--key-id", key)
    assert again.exit_code == ExitCode.FAILED
    assert "not used twice" in again.stderr


def test_the_folder_s_own_key_is_listed_and_revoked_like_others(keys: Any, tmp_path: Path) -> None:
    with thread(tmp_path / "data") as service:
        key = service.keys()[0]
    assert [(row["key"], row["role"]) for row in listed(keys)] == [(key, "admin")]
    assert keys("revoke", key).stdout == f"Revoked {key}.\n"
    assert keys("revoke", key).stdout == f"{key} was revoked before.\n"
    (row,) = listed(keys)
    assert row["revoked"]
    assert "OPTO" in keys("list").stdout.splitlines()[1]


def test_no_such_key(keys: Any) -> None:
    result = keys("revoke", "OPTONOBODY")
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr == "error: there is no key OPTONOBODY; `optout serve keys list` shows all\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--role", "owner"), "owner"),
        ((), "--role"),
        (("--role", "read", "--may-release"), "belongs to the role reconcile"),
        (("--role", "read", "--name", "a b"), "--name"),
        (("--role", "read", "--key-id", "short"), "--key-id"),
        (("--role", "read", "--secret", "hush"), "env:NAME or file:PATH"),
    ],
)
def test_wrong_usage(keys: Any, options: tuple[str, ...], words: str) -> None:
    result = keys("add", *options)
    assert result.exit_code == ExitCode.USAGE
    assert words in " ".join(result.stderr.split())
    assert "hush" not in result.stderr


def test_a_folder_that_cannot_be_used(keys: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / FILE_NAME).write_text("no database " * 100)
    result = keys("list")
    assert result.exit_code == ExitCode.FAILED
    assert "cannot be used as the service's database" in result.stderr
    assert "Traceback" not in result.output


def test_the_help_shows_the_roles_and_an_example() -> None:
    shown = click.testing.CliRunner().invoke(command, ["keys", "--help"]).output
    assert "reconcile" in shown
    assert "optout serve keys add --role reconcile" in shown
