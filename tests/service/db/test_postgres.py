"""Which database a URL names, and PostgreSQL settings that a service relies on."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from tests.service.cluster import Cluster
from tests.service.crowd import listed
from tests.service.running import TIMEOUT, Service, thread
from tests.tables import each_row
from voiceid_optout.service.db.database import open_database
from voiceid_optout.service.db.migrations import STEPS, current
from voiceid_optout.service.db.postgres import database_url, has_password, reader, writer
from voiceid_optout.service.db.postgres import database_url as parsed
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


@each_row(
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


@each_row(
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


SHORT = 0.3  # seconds within which a call that nothing holds up is answered many times over


@pytest.fixture
def shared(tmp_path: Path, database_url: str) -> Iterator[Service]:
    with thread(tmp_path / "data", database=database_url) as service:
        yield service


def test_commits_wait_for_the_disk_whatever_the_server_s_default(tmp_path: Path, database_url: str) -> None:
    database = open_database(tmp_path, database_url)
    with psycopg.connect(database_url) as plain:
        assert plain.execute("SHOW synchronous_commit").fetchone() == ("off",)
    with database.writer.connect() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"
        assert connection.scalar(text("SHOW transaction_isolation")) == "read committed"
    database.close()


def test_a_setting_that_promises_more_is_left_alone(postgres: Cluster, database_url: str) -> None:
    name = parsed(database_url).database
    with psycopg.connect(database_url, autocommit=True) as plain:
        plain.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = remote_apply'.encode())
    engine = writer(parsed(database_url))
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "remote_apply"
    engine.dispose()


def test_readers_see_one_state_and_cannot_write(database_url: str) -> None:
    engine = reader(parsed(database_url))
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW transaction_isolation")) == "repeatable read"
        assert connection.scalar(text("SHOW transaction_read_only")) == "on"
    engine.dispose()


def test_a_server_that_does_not_sync_is_refused(
    tmp_path: Path, database_url: str, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(postgres.conninfo(), autocommit=True) as plain:
        plain.execute("ALTER SYSTEM SET fsync = off")
        plain.execute("SELECT pg_reload_conf()")
        try:
            with psycopg.connect(postgres.conninfo(), autocommit=True) as fresh:
                while fresh.execute("SHOW fsync").fetchone() != ("off",):  # it takes the server a moment
                    pass
            with pytest.raises(StartError, match="fsync = off"):
                open_database(tmp_path, database_url)
        finally:
            plain.execute("ALTER SYSTEM RESET fsync")
            plain.execute("SELECT pg_reload_conf()")


def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"127\.0\.0\.1:1/voiceid cannot be used.*refused") as refusal:
        open_database(tmp_path, "postgresql://service:hunter2@127.0.0.1:1/voiceid")
    assert "hunter2" not in str(refusal.value)


def test_a_missing_driver_is_asked_for() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from pathlib import Path\n"
        "from voiceid_optout.service.db.database import open_database\n"
        "from voiceid_optout.service.errors import StartError\n"
        "try:\n    open_database(Path('.'), 'postgresql://service@127.0.0.1/voiceid')\n"
        "except StartError as error:\n    print(error)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.endswith("run: pip install 'voiceid-optout[postgres]'\n")


def test_services_that_start_at_once_migrate_once(tmp_path: Path, database_url: str) -> None:
    together = threading.Barrier(6)

    def start(_number: int) -> bytes:
        together.wait(TIMEOUT)
        database = open_database(tmp_path, database_url)
        database.close()
        return database.token_key

    with ThreadPoolExecutor(6) as pool:
        keys = set(pool.map(start, range(6)))
    assert len(keys) == 1
    database = open_database(tmp_path, database_url)
    with database.reader.begin() as connection:
        assert current(connection) == list(STEPS)[-1]
        assert connection.scalar(text("SELECT count(*) FROM meta WHERE key = 'token_key'")) == 1
    database.close()


def test_who_is_numbered_first_is_seen_first(shared: Service, database_url: str) -> None:
    """A page that has passed the later number must not miss the earlier one, which would commit behind it."""
    domain = shared.new_domain()
    other = open_database(shared.data, database_url)
    with ThreadPoolExecutor(1) as pool:
        with other.writer.begin() as connection:
            other.lock(connection, [domain])
            connection.execute(
                text(
                    "INSERT INTO speakers (domain_id, customer_id, generated_id, status, created_at, updated_at)"
                    " VALUES (:domain, 'caller-early', 'id#early', 'OPTED_OUT', 1, 1)"
                ),
                {"domain": domain},
            )
            later = pool.submit(shared.client().opt_out_speaker, DomainId=domain, SpeakerId="caller-late")
            with pytest.raises(TimeoutError):
                later.result(SHORT)
            assert listed(shared, domain) == {}
        later.result(TIMEOUT)
    other.close()
    assert list(listed(shared, domain)) == ["caller-early", "caller-late"]


def test_other_domains_go_on_while_one_is_held(shared: Service, database_url: str) -> None:
    held, free = shared.new_domain(), shared.new_domain()
    other = open_database(shared.data, database_url)
    with other.writer.begin() as connection:
        other.lock(connection, [held])
        shared.client().opt_out_speaker(DomainId=free, SpeakerId="caller-1")
    other.close()


def test_what_changes_more_than_a_domain_waits_for_all_and_stops_all(shared: Service, database_url: str) -> None:
    domain = shared.new_domain()
    other = open_database(shared.data, database_url)
    with ThreadPoolExecutor(2) as pool:
        with other.writer.begin() as connection:
            other.lock(connection, [domain])
            creating = pool.submit(shared.new_domain)
            with pytest.raises(TimeoutError):
                creating.result(SHORT)
        creating.result(TIMEOUT)
        with other.writer.begin() as connection:
            other.lock(connection, None)
            opting = pool.submit(shared.client().opt_out_speaker, DomainId=domain, SpeakerId="caller-1")
            with pytest.raises(TimeoutError):
                opting.result(SHORT)
        opting.result(TIMEOUT)
    other.close()


def test_locks_of_several_domains_cannot_deadlock(tmp_path: Path, database_url: str) -> None:
    database = open_database(tmp_path, database_url)
    names = ["a" * 22, "b" * 22, "c" * 22]
    with database.writer.begin() as connection:
        for name in names:
            connection.execute(
                text(
                    "INSERT INTO domains (domain_id, name, status, kms_key_id, default_watchlist_id, speaker_count,"
                    " created_at, updated_at) VALUES (:name, 'sales', 'ACTIVE', 'k', 'w', 0, 1, 1)"
                ),
                {"name": name},
            )
    together = threading.Barrier(2)

    def work(order: list[str]) -> Any:
        together.wait(TIMEOUT)
        for _ in range(30):
            with database.writer.begin() as connection:
                database.lock(connection, order)
        return True

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(work, [names, names[::-1]]))
    database.close()
