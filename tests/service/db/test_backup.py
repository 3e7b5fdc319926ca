"""Backups of a service that runs, and what becomes of a restoration that goes wrong."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.service.cluster import Cluster
from tests.service.crowd import crowd, listed, lost
from tests.service.db.test_migrations import make_old
from tests.service.running import child, thread
from voiceid_optout.service.db import backup
from voiceid_optout.service.db.backup import BackupError
from voiceid_optout.service.db.database import FILE_NAME
from voiceid_optout.service.errors import DataLockedError, StartError


@pytest.fixture
def kept(tmp_path: Path) -> Any:
    """A data folder with one opted-out person, a backup of it, and the domain; another person came after."""
    with thread(tmp_path / "data") as service:
        domain = service.new_domain()
        service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-before")
        backup.back_up(service.data, tmp_path / "copy.db")
        service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-after")
    return tmp_path / "data", tmp_path / "copy.db", domain


def people(data: Path, domain: str) -> set[str]:
    with thread(data) as service:
        return set(listed(service, domain))


def test_a_backup_under_load_is_whole_and_holds_nobody_up(tmp_path: Path) -> None:
    with child(tmp_path / "data") as service:
        domain = service.new_domain()
        with crowd(service, domain) as told:
            told.wait(100)
            before = dict(told.acknowledged)
            pages: list[tuple[int, int]] = []
            size = backup.back_up(
                tmp_path / "data", tmp_path / "copy.db", progress=lambda *done: pages.append(done)
            )
            told.wait(len(told.acknowledged) + 20)
            assert service.process
            service.process.kill()
    assert size == (tmp_path / "copy.db").stat().st_size
    assert pages[-1][0] == pages[-1][1]
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["copy.db", "data"]
    backup.restore(tmp_path / "copy.db", tmp_path / "new")
    with thread(tmp_path / "new") as restored:
        assert lost(restored, domain, before) == []


def test_a_restoration_brings_back_the_state_and_keeps_what_was_there(kept: Any) -> None:
    data, copy, domain = kept
    former = backup.restore(copy, data, replace=True)
    assert people(data, domain) == {"caller-before"}
    assert former is not None
    shutil.copy(former, data / FILE_NAME)
    assert people(data, domain) == {"caller-before", "caller-after"}


def test_what_the_log_of_a_killed_service_holds_is_kept_too(tmp_path: Path, kept: Any) -> None:
    data, copy, domain = kept
    with child(data) as service:
        service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-last")
        assert service.process
        service.process.kill()
    assert (data / f"{FILE_NAME}-wal").stat().st_size > 0
    former = backup.restore(copy, data, replace=True)
    assert former is not None
    assert people(data, domain) == {"caller-before"}
    (data / FILE_NAME).unlink()
    former.rename(data / FILE_NAME)
    assert people(data, domain) == {"caller-before", "caller-after", "caller-last"}


def test_a_damaged_database_can_be_replaced(kept: Any) -> None:
    data, copy, domain = kept
    (data / FILE_NAME).write_bytes(b"no longer a database" * 300)
    backup.restore(copy, data, replace=True)
    assert people(data, domain) == {"caller-before"}


def test_pages_from_before_a_restoration_are_not_continued(kept: Any) -> None:
    data, copy, domain = kept
    with thread(data) as service:
        token = service.client().list_speakers(DomainId=domain, MaxResults=1)["NextToken"]
    backup.restore(copy, data, replace=True)
    with thread(data) as service:
        client = service.client()
        with pytest.raises(client.exceptions.ValidationException, match="NextToken"):
            client.list_speakers(DomainId=domain, MaxResults=1, NextToken=token)


def test_a_running_service_is_not_disturbed(tmp_path: Path, kept: Any) -> None:
    data, copy, domain = kept
    with thread(data) as service:
        with pytest.raises(DataLockedError):
            backup.restore(copy, data, replace=True)
        assert set(listed(service, domain)) == {"caller-before", "caller-after"}


def test_nothing_is_replaced_unasked(tmp_path: Path, kept: Any) -> None:
    data, copy, _ = kept
    before = copy.read_bytes(), (data / FILE_NAME).read_bytes()
    with pytest.raises(BackupError, match="--replace"):
        backup.restore(copy, data)
    with pytest.raises(BackupError, match="--replace"):
        backup.back_up(data, copy)
    assert (copy.read_bytes(), (data / FILE_NAME).read_bytes()) == before
    backup.back_up(data, copy, replace=True)
    assert copy.read_bytes() != before[0]


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-8000:-4000] = os.urandom(4000)
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE people (name text)")
    database.close()


@pytest.mark.costly
@pytest.mark.parametrize(
    ("change", "text"),
    [
        (damage, "is damaged"),
        (truncate, "is damaged"),
        (empty, "is not a backup of a SQLite database"),
        (other, "is a SQLite database, but not the service's"),
        (Path.unlink, "cannot be read: No such file"),
    ],
)
def test_what_is_no_sound_backup_is_refused(kept: Any, change: Any, text: str) -> None:
    data, copy, domain = kept
    change(copy)
    with pytest.raises(BackupError, match=text):
        backup.restore(copy, data, replace=True)
    assert people(data, domain) == {"caller-before", "caller-after"}


def test_a_backup_of_a_newer_release_is_refused(kept: Any) -> None:
    data, copy, _ = kept
    with sqlite3.connect(copy) as database:
        database.execute("UPDATE alembic_version SET version_num = '0099_future'")
    database.close()
    with pytest.raises(StartError, match="newer release"):
        backup.restore(copy, data, replace=True)


def test_a_backup_of_the_first_release_is_taken(tmp_path: Path) -> None:
    make_old(tmp_path / "old.db")
    backup.restore(tmp_path / "old.db", tmp_path / "data")
    assert people(tmp_path / "data", "a" * 22) == {"caller-0", "caller-1"}


def test_a_folder_without_a_database_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="holds no database"):
        backup.back_up(tmp_path, tmp_path / "copy.db")


def test_a_place_that_cannot_be_written_is_named(kept: Any) -> None:
    data, copy, _ = kept
    with pytest.raises(BackupError, match=r"copy\.db cannot be written: No such file"):
        backup.back_up(data, copy.parent / "missing" / "copy.db")


KILLED = """
import os, signal, sys
from pathlib import Path
from voiceid_optout.service.db import backup
real = getattr(backup.os if sys.argv[3] == "link" else Path, sys.argv[3])
def last(*arguments, **named):
    if sys.argv[3] != "replace" or str(arguments[1]).endswith("voiceid.db"):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **named)
setattr(backup.os if sys.argv[3] == "link" else Path, sys.argv[3], last)
backup.restore(Path(sys.argv[1]), Path(sys.argv[2]), replace=True)
"""


@pytest.mark.parametrize("step", ["link", "replace"])
def test_a_restoration_that_is_killed_leaves_the_former_database(kept: Any, step: str) -> None:
    data, copy, domain = kept
    killed = subprocess.run([sys.executable, "-c", KILLED, copy, data, step], check=False)
    assert killed.returncode == -9
    assert people(data, domain) == {"caller-before", "caller-after"}
    backup.restore(copy, data, replace=True)
    assert people(data, domain) == {"caller-before"}
    assert list(data.glob(".voiceid.db*")) == []


def test_two_restorations_within_a_second_keep_both_former_databases(kept: Any) -> None:
    data, copy, _ = kept
    kept_ones = {backup.restore(copy, data, replace=True) for _ in range(3)}
    assert len(kept_ones) == 3
    assert all(path is not None and path.exists() for path in kept_ones)


def test_a_backup_names_nobody_when_it_is_damaged(kept: Any) -> None:
    _, copy, _ = kept
    damage(copy)
    with pytest.raises(BackupError) as refusal:
        backup.check(copy)
    assert "caller" not in str(refusal.value)


@pytest.fixture
def dumped(tmp_path: Path, postgres: Cluster, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A dump with one opted-out person, taken while the service ran, and the domain; another person came after."""
    monkeypatch.setenv("PATH", f"{postgres.bin}{os.pathsep}{os.environ['PATH']}")
    with thread(tmp_path / "data", database=database_url) as service:
        domain = service.new_domain()
        service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-before")
        assert (
            backup.back_up_postgres(database_url, tmp_path / "copy.dump") == (tmp_path / "copy.dump").stat().st_size
        )
        service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-after")
    return tmp_path / "copy.dump", domain


def people_at(folder: Path, url: str, domain: str) -> set[str]:
    with thread(folder, database=url) as service:
        return set(listed(service, domain))


def test_a_restoration_brings_back_the_state(tmp_path: Path, dumped: Any, database_url: str) -> None:
    dump, domain = dumped
    assert dump.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupError, match="--replace"):
        backup.restore_postgres(dump, database_url)
    assert people_at(tmp_path / "data", database_url, domain) == {"caller-before", "caller-after"}
    backup.restore_postgres(dump, database_url, replace=True)
    assert people_at(tmp_path / "data", database_url, domain) == {"caller-before"}


def test_pages_from_before_a_dump_is_restored_are_not_continued(
    tmp_path: Path, dumped: Any, database_url: str
) -> None:
    dump, domain = dumped
    with thread(tmp_path / "data", database=database_url) as service:
        token = service.client().list_speakers(DomainId=domain, MaxResults=1)["NextToken"]
    backup.restore_postgres(dump, database_url, replace=True)
    with thread(tmp_path / "data", database=database_url) as service:
        client = service.client()
        with pytest.raises(client.exceptions.ValidationException, match="NextToken"):
            client.list_speakers(DomainId=domain, MaxResults=1, NextToken=token)


def test_it_goes_into_an_empty_database_as_it_is(tmp_path: Path, dumped: Any, postgres: Cluster) -> None:
    dump, domain = dumped
    url = postgres.new_database()
    backup.restore_postgres(dump, url)
    assert people_at(tmp_path / "other", url, domain) == {"caller-before"}


def test_tables_that_the_backup_does_not_know_are_not_left_beside_it(dumped: Any, database_url: str) -> None:
    dump, _ = dumped
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE of_a_later_release (name text)")
    with pytest.raises(BackupError, match=r"does not: of_a_later_release\. .* empty database"):
        backup.restore_postgres(dump, database_url, replace=True)


def test_connected_services_are_not_disturbed(tmp_path: Path, dumped: Any, database_url: str) -> None:
    dump, domain = dumped
    with thread(tmp_path / "data", database=database_url) as service:
        with pytest.raises(DataLockedError, match="Services are connected"):
            backup.restore_postgres(dump, database_url, replace=True)
        assert set(listed(service, domain)) == {"caller-before", "caller-after"}


def test_a_dump_that_breaks_off_changes_nothing(tmp_path: Path, dumped: Any, database_url: str) -> None:
    dump, domain = dumped
    dump.write_bytes(dump.read_bytes()[:-300])
    with pytest.raises(BackupError, match="pg_restore failed"):
        backup.restore_postgres(dump, database_url, replace=True)
    assert people_at(tmp_path / "data", database_url, domain) == {"caller-before", "caller-after"}


def test_what_is_no_dump_of_the_service_is_refused(tmp_path: Path, dumped: Any, postgres: Cluster) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(BackupError, match="is not a dump of a PostgreSQL database"):
        backup._tables(tmp_path / "text")
    with pytest.raises(BackupError, match="cannot be read"):
        backup._tables(tmp_path / "missing")
    url = postgres.new_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE people (name text)")
    with pytest.raises(BackupError, match="but not of the service's database"):
        backup.back_up_postgres(url, tmp_path / "foreign.dump")
    assert not (tmp_path / "foreign.dump").exists()


def test_missing_programs_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match=r"pg_dump, one of PostgreSQL's own programs, .* pg_dump --format=custom"):
        backup.back_up_postgres("postgresql://service:hunter2@127.0.0.1:1/voiceid", tmp_path / "copy")


def test_a_server_that_is_not_there_is_said_without_the_password(
    tmp_path: Path, dumped: Any, database_url: str
) -> None:
    dump, _ = dumped
    nowhere = "postgresql://service:hunter2@127.0.0.1:1/voiceid"
    for attempt in (
        lambda: backup.back_up_postgres(nowhere, tmp_path / "new"),
        lambda: backup.restore_postgres(dump, nowhere),
    ):
        with pytest.raises(BackupError, match="refused") as refusal:
            attempt()
        assert "hunter2" not in str(refusal.value)
    assert not (tmp_path / "new").exists()
