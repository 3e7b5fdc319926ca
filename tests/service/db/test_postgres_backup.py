"""Backups of a PostgreSQL database by its own programs, real ones."""

import os
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.service.cluster import Cluster
from tests.service.crowd import listed
from tests.service.running import thread
from voiceid_optout.service.db import postgres_backup as backup
from voiceid_optout.service.db.backup import BackupError
from voiceid_optout.service.errors import DataLockedError


@pytest.fixture
def kept(tmp_path: Path, postgres: Cluster, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A dump with one opted-out person, taken while the service ran, and the domain; another person came after."""
    monkeypatch.setenv("PATH", f"{postgres.bin}{os.pathsep}{os.environ['PATH']}")
    with thread(tmp_path / "data", database=database_url) as service:
        domain = service.new_domain()
        service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-before")
        assert backup.back_up(database_url, tmp_path / "copy.dump") == (tmp_path / "copy.dump").stat().st_size
        service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-after")
    return tmp_path / "copy.dump", domain


def people(folder: Path, url: str, domain: str) -> set[str]:
    with thread(folder, database=url) as service:
        return set(listed(service, domain))


def test_a_restoration_brings_back_the_state(tmp_path: Path, kept: Any, database_url: str) -> None:
    dump, domain = kept
    assert dump.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupError, match="--replace"):
        backup.restore(dump, database_url)
    assert people(tmp_path / "data", database_url, domain) == {"caller-before", "caller-after"}
    backup.restore(dump, database_url, replace=True)
    assert people(tmp_path / "data", database_url, domain) == {"caller-before"}


def test_pages_from_before_a_restoration_are_not_continued(tmp_path: Path, kept: Any, database_url: str) -> None:
    dump, domain = kept
    with thread(tmp_path / "data", database=database_url) as service:
        token = service.client().list_speakers(DomainId=domain, MaxResults=1)["NextToken"]
    backup.restore(dump, database_url, replace=True)
    with thread(tmp_path / "data", database=database_url) as service:
        client = service.client()
        with pytest.raises(client.exceptions.ValidationException, match="NextToken"):
            client.list_speakers(DomainId=domain, MaxResults=1, NextToken=token)


def test_it_goes_into_an_empty_database_as_it_is(tmp_path: Path, kept: Any, postgres: Cluster) -> None:
    dump, domain = kept
    url = postgres.new_database()
    backup.restore(dump, url)
    assert people(tmp_path / "other", url, domain) == {"caller-before"}


def test_tables_that_the_backup_does_not_know_are_not_left_beside_it(kept: Any, database_url: str) -> None:
    dump, _ = kept
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE of_a_later_release (name text)")
    with pytest.raises(BackupError, match=r"does not: of_a_later_release\. .* empty database"):
        backup.restore(dump, database_url, replace=True)


def test_connected_services_are_not_disturbed(tmp_path: Path, kept: Any, database_url: str) -> None:
    dump, domain = kept
    with thread(tmp_path / "data", database=database_url) as service:
        with pytest.raises(DataLockedError, match="Services are connected"):
            backup.restore(dump, database_url, replace=True)
        assert set(listed(service, domain)) == {"caller-before", "caller-after"}


def test_a_dump_that_breaks_off_changes_nothing(tmp_path: Path, kept: Any, database_url: str) -> None:
    dump, domain = kept
    dump.write_bytes(dump.read_bytes()[:-300])
    with pytest.raises(BackupError, match="pg_restore failed"):
        backup.restore(dump, database_url, replace=True)
    assert people(tmp_path / "data", database_url, domain) == {"caller-before", "caller-after"}


def test_what_is_no_dump_of_the_service_is_refused(tmp_path: Path, kept: Any, postgres: Cluster) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(BackupError, match="is not a dump of a PostgreSQL database"):
        backup.check(tmp_path / "text")
    with pytest.raises(BackupError, match="cannot be read"):
        backup.check(tmp_path / "missing")
    url = postgres.new_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE people (name text)")
    with pytest.raises(BackupError, match="but not of the service's database"):
        backup.back_up(url, tmp_path / "foreign.dump")
    assert not (tmp_path / "foreign.dump").exists()


def test_missing_programs_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match=r"pg_dump, one of PostgreSQL's own programs, .* pg_dump --format=custom"):
        backup.back_up("postgresql://service:hunter2@127.0.0.1:1/voiceid", tmp_path / "copy")


def test_a_server_that_is_not_there_is_said_without_the_password(
    tmp_path: Path, kept: Any, database_url: str
) -> None:
    dump, _ = kept
    nowhere = "postgresql://service:hunter2@127.0.0.1:1/voiceid"
    for attempt in (lambda: backup.back_up(nowhere, tmp_path / "new"), lambda: backup.restore(dump, nowhere)):
        with pytest.raises(BackupError, match="refused") as refusal:
            attempt()
        assert "hunter2" not in str(refusal.value)
    assert not (tmp_path / "new").exists()
