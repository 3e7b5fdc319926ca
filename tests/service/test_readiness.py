"""``/readyz`` tells what is wrong; ``/healthz`` only that somebody is there."""

import json
import resource
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.service.running import Service, thread
from voiceid_optout.service import readiness
from voiceid_optout.service import sqlite as database


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
