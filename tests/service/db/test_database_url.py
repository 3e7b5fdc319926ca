from pathlib import Path
from typing import Any

import pytest

from voiceid_optout.service.db.database_url import database_url, has_password
from voiceid_optout.service.errors import StartError

SECRET = "postgresql://service:hunter2@127.0.0.1:5432/voiceid"


def private(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return f"file:{path}"


def test_a_url_a_file_and_a_variable_mean_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", SECRET)
    references = (
        SECRET,
        SECRET.replace("postgresql:", "postgres:"),
        private(tmp_path / "url", SECRET + "\n"),
        "env:WHERE",
    )
    urls = [database_url(reference) for reference in references]
    assert {url.render_as_string(hide_password=False) for url in urls} == {
        SECRET.replace("postgresql:", "postgresql+psycopg:")
    }


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("hunter2", "The database is not a URL of the form postgresql://"),
        ("postgresql://u:hunter2@host:port/x", "The database is not a URL"),
        ("mysql://u:hunter2@host/x", "The database must start with postgresql://"),
        ("sqlite:///hunter2.db", "SQLite needs no URL"),
        ("env:NOT_THERE_AT_ALL", "The environment variable NOT_THERE_AT_ALL, .* is not set"),
        ("file:/no/such/file", "/no/such/file, .* cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(reference: str, text: str) -> None:
    with pytest.raises(StartError, match=text) as refusal:
        database_url(reference)
    assert "hunter2" not in str(refusal.value)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="chmod 600"):
        database_url(private(tmp_path / "url", SECRET, 0o640))


def test_a_file_with_something_else_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"The content of .*/url is not a URL"):
        database_url(private(tmp_path / "url", "hunter2"))


@pytest.mark.parametrize(
    ("reference", "carries"),
    [
        (SECRET, True),
        ("postgresql://service@host/x", False),
        ("postgresql://service:@host/x", False),
        ("env:X", False),
        ("file:password", False),
        ("postgresql://service@host/x?password=hunter2", True),
        ("postgresql://host/x?user=service&password=hunter2", True),
        ("postgresql://host/x?%70assword=hunter2", True),
        ("postgresql://host/x?PASSWORD=hunter2", True),
        ("postgresql://host/x?password=a&password=b", True),
        ("postgresql://host/x?sslpassword=hunter2", True),
        ("postgresql://host/x?oauth_client_secret=hunter2", True),
        ("postgresql://host/x?scram_client_key=hunter2", True),
        ("postgresql://host/x?options=-c%20app.password%3Dhunter2", True),
        ("postgresql://host/x?password=", False),
        ("postgresql://host/x?passfile=/run/password&sslkey=/run/key&sslmode=verify-full", False),
        ("postgresql://host/x?options=-c%20search_path%3Dvoice", False),
    ],
)
def test_a_password_in_the_reference_itself_is_noticed(reference: str, carries: Any) -> None:
    assert has_password(reference) is carries
