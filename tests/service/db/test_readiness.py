"""``/readyz`` tells what is wrong; ``/healthz`` only that somebody is there."""

import json
import resource
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.service.running import Service, thread
from voiceid_optout.service.db import readiness
from voiceid_optout.service.db import sqlite as database


def asked(service: Service) -> tuple[int, Any]:
    status, text = service.admin("/readyz")
    return status, json.loads(text)


def test_a_service_that_works_is_ready(service: Service) -> None:
    assert asked(service) == (200, {"Status": "ok"})


def test_a_full_disk(process: Service) -> None:
    # No file of the process may grow beyond what it has: to SQLite that is a full disk.
    _, hard = resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE, (1, hard))
    status, answer = asked(process)
    assert (status, answer["Status"]) == (503, "not ready")
    assert "cannot be read or written" in answer["Reason"]
    assert process.admin("/healthz") == (200, '{"Status":"ok"}')
    resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert asked(process)[0] == 200


def test_a_disk_on_which_small_changes_fit_and_opt_outs_do_not(process: Service) -> None:
    domain, client = process.new_domain(), process.client()
    assert asked(process)[0] == 200
    _, hard = resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE)
    # Room in the log for the few pages of the probe, and not for those of an opt-out.
    room = (process.data / f"{database.FILE_NAME}-wal").stat().st_size + 20_000
    resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE, (room, hard))
    for number in range(3):
        with pytest.raises(ClientError):
            client.opt_out_speaker(DomainId=domain, SpeakerId=f"caller-{number}")
        status, answer = asked(process)
        assert status == 503
        assert answer["Reason"] == "the data folder has no room for 8 MiB more: File too large"
    resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE, (hard, hard))


def test_a_change_that_found_no_room_speaks_against_the_next(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with thread(tmp_path, database=database_url) as service:
        domain, client = service.new_domain(), service.client()
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE 'no space left' USING ERRCODE = 'disk_full'; END $$"
            )
            connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON speakers EXECUTE FUNCTION full_disk()")
            assert asked(service)[0] == 200
            with pytest.raises(ClientError):
                client.opt_out_speaker(DomainId=domain, SpeakerId="caller-1")
            assert asked(service)[0] == 503
            connection.execute("DROP TRIGGER full_disk ON speakers")
        monkeypatch.setattr(readiness, "FULL_SECONDS", 0.0)
        assert asked(service)[0] == 200


def test_another_release_s_schema(fresh: Service) -> None:
    with sqlite3.connect(fresh.data / database.FILE_NAME) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001_first'")
    connection.close()
    status, answer = asked(fresh)
    assert status == 503
    assert "0001_first" in answer["Reason"]


def test_a_newer_release_s_schema(fresh: Service) -> None:
    with sqlite3.connect(fresh.data / database.FILE_NAME) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099_future'")
    connection.close()
    assert asked(fresh)[0] == 503


def test_a_database_that_somebody_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0.2)
    with thread(tmp_path) as service:
        holder = sqlite3.connect(tmp_path / database.FILE_NAME)
        holder.execute("BEGIN IMMEDIATE")
        status, answer = asked(service)
        holder.rollback()
        holder.close()
        assert (status, answer["Reason"]) == (503, "the database did not answer within 0.2 seconds")
        assert asked(service)[0] == 200
