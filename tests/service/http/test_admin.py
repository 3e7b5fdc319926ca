"""Health, readiness, metrics and test hooks on the admin port, and the faults that clients are tested with."""

import json
import resource
import socket
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from tests.service.calls import call, send
from tests.service.http.test_app import opt_out
from tests.service.running import Service, thread
from voiceid_optout.service.db.database import FILE_NAME
from voiceid_optout.service.http import admin


def test_health(service: Service) -> None:
    assert service.admin("/healthz") == (200, '{"Status":"ok"}')


def test_metrics_count_by_operation_and_outcome(fresh: Service) -> None:
    domain = fresh.new_domain()
    for name in ("caller-1", "caller-2", "#"):
        call(fresh, "OptOutSpeaker", opt_out(domain, name))
    send(fresh, {}, b"")
    status, text = fresh.admin("/metrics")
    assert status == 200
    assert 'voiceid_requests_total{operation="OptOutSpeaker",outcome="ok"} 2.0\n' in text
    assert 'voiceid_requests_total{operation="OptOutSpeaker",outcome="ValidationException"} 1.0\n' in text
    assert 'voiceid_requests_total{operation="none",outcome="MissingAuthenticationTokenException"} 1.0\n' in text
    assert "caller" not in text


@pytest.mark.parametrize("status", ["ENROLLED", "EXPIRED", "PENDING", "OPTED_OUT"])
def test_seeding_creates_and_overrides(service: Service, domain: str, status: str) -> None:
    made = service.seed(domain, "caller-1", "PENDING")
    changed = service.seed(domain, "caller-1", status)
    assert changed["Status"] == status
    assert changed["GeneratedSpeakerId"] == made["GeneratedSpeakerId"]
    assert (changed["LastAccessedAt"] is not None) == (status in ("ENROLLED", "EXPIRED"))
    assert len(service.client().list_speakers(DomainId=domain)["SpeakerSummaries"]) == 1


def test_recreating_gives_a_new_generated_id(service: Service, domain: str) -> None:
    service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-1")
    before = service.client().describe_speaker(DomainId=domain, SpeakerId="caller-1")["Speaker"]
    after = service.seed(domain, "caller-1", "ENROLLED", recreate=True)
    assert after["GeneratedSpeakerId"] != before["GeneratedSpeakerId"]
    assert service.seed(domain, "caller-2", "ENROLLED", recreate=True)["Status"] == "ENROLLED"


def test_making_a_domain_twice_is_no_error(service: Service) -> None:
    body = {"DomainId": "b" * 22, "Name": "first"}
    service.admin("/domains", body)
    status, text = service.admin("/domains", {**body, "Name": "second"})
    assert status == 200
    assert json.loads(text)["Domain"]["Name"] == "first"


@pytest.mark.parametrize("path", ["/domains/{}/suspend", "/domains/{}/reactivate"])
def test_hooks_on_a_missing_domain(service: Service, path: str) -> None:
    status, text = service.admin(path.format("0" * 22), {})
    assert status == 404
    assert json.loads(text)["error"] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/speakers", {"DomainId": "x"}, "validation errors"),
        ("/speakers", {"DomainId": "a" * 22, "CustomerSpeakerId": "c", "Status": "GONE"}, "enum value set"),
        ("/domains", b"{", "not JSON"),
        ("/domains", b"[]", "JSON object"),
        ("/domains/short/suspend", {}, "domainId"),
    ],
)
def test_a_wrong_request_says_what_is_wrong(service: Service, path: str, body: Any, words: str) -> None:
    status, text = service.admin(path, body)
    assert status == 400
    assert words in json.loads(text)["message"]


def test_a_form_of_a_web_page_is_refused(service: Service) -> None:
    status, text = service.admin("/domains", b"DomainId=" + b"a" * 22, **{"Content-Type": "text/plain"})
    assert status == 400
    assert "application/json" in text


def test_a_foreign_host_name_is_refused(service: Service) -> None:
    status, _ = service.admin("/healthz", Host="attacker.example")
    assert status == 400


def test_it_listens_on_loopback_only(service: Service) -> None:
    port = int(service.admin_url.rpartition(":")[2])
    with socket.socket() as probe:
        probe.settimeout(5)
        assert probe.connect_ex(("127.0.0.2", port)) != 0


def order(service: Service, fault: str, count: int = 1, operation: str = "OptOutSpeaker") -> None:
    status, text = service.admin("/faults", {"Operation": operation, "Fault": fault, "Count": count})
    assert status == 200, text


def opted_out(client: Any, domain: str) -> Any:
    return client.opt_out_speaker(DomainId=domain, SpeakerId="caller-1")["Speaker"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("THROTTLING", "ThrottlingException"),
        ("INTERNAL_SERVER", "InternalServerException"),
        ("ACCESS_DENIED", "AccessDeniedException"),
        ("CONCURRENT_CHANGES", "ConflictException"),
    ],
)
def test_a_fault_strikes_as_often_as_ordered_and_nothing_is_done(fresh: Service, fault: str, code: str) -> None:
    domain = fresh.new_domain()
    client = fresh.client(config=Config(retries={"total_max_attempts": 1}))
    order(fresh, fault, 2)
    client.list_speakers(DomainId=domain)  # of another operation: not meant
    for _ in range(2):
        with pytest.raises(getattr(client.exceptions, code)):
            opted_out(client, domain)
    assert client.list_speakers(DomainId=domain)["SpeakerSummaries"] == []
    assert opted_out(client, domain)["Status"] == "OPTED_OUT"


def test_an_sdk_gets_over_throttling_by_itself(fresh: Service) -> None:
    client = fresh.client(config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    order(fresh, "THROTTLING")
    assert opted_out(client, fresh.new_domain())["Status"] == "OPTED_OUT"


def test_a_lost_reply_has_done_its_work(fresh: Service) -> None:
    domain = fresh.new_domain()
    client = fresh.client(config=Config(retries={"total_max_attempts": 1}))
    order(fresh, "LOST_REPLY")
    with pytest.raises((HTTPClientError, ConnectionClosedError)):
        opted_out(client, domain)
    assert client.describe_speaker(DomainId=domain, SpeakerId="caller-1")["Speaker"]["Status"] == "OPTED_OUT"
    status, text = fresh.admin("/metrics")
    assert (status, 'operation="OptOutSpeaker",outcome="lost"} 1' in text) == (200, True)


def test_an_sdk_gets_over_a_lost_reply_by_itself(fresh: Service) -> None:
    client = fresh.client(config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    order(fresh, "LOST_REPLY")
    assert opted_out(client, fresh.new_domain())["Status"] == "OPTED_OUT"


def test_an_order_can_be_taken_back(fresh: Service) -> None:
    order(fresh, "INTERNAL_SERVER", 5)
    order(fresh, "INTERNAL_SERVER", 0)
    try:
        opted_out(fresh.client(), fresh.new_domain())
    except ClientError as error:  # pragma: no cover  the failure of this test
        pytest.fail(str(error))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"Operation": "OptOut", "Fault": "THROTTLING"}, "name of one of the API's operations"),
        ({"Operation": "OptOutSpeaker", "Fault": "FIRE"}, "enum value set"),
        ({"Operation": "OptOutSpeaker", "Fault": "THROTTLING", "Count": 1001}, "less than or equal to 1000"),
    ],
)
def test_a_wrong_order_is_refused(service: Service, body: Any, words: str) -> None:
    status, text = service.admin("/faults", body)
    assert status == 400
    assert words in json.loads(text)["message"]


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
    room = (process.data / f"{FILE_NAME}-wal").stat().st_size + 20_000
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
        monkeypatch.setattr(admin, "FULL_SECONDS", 0.0)
        assert asked(service)[0] == 200


def test_another_release_s_schema(fresh: Service) -> None:
    with sqlite3.connect(fresh.data / FILE_NAME) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001_first'")
    connection.close()
    status, answer = asked(fresh)
    assert status == 503
    assert "0001_first" in answer["Reason"]


def test_a_newer_release_s_schema(fresh: Service) -> None:
    with sqlite3.connect(fresh.data / FILE_NAME) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099_future'")
    connection.close()
    assert asked(fresh)[0] == 503


def test_a_database_that_somebody_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "TIMEOUT_SECONDS", 0.2)
    with thread(tmp_path) as service:
        holder = sqlite3.connect(tmp_path / FILE_NAME)
        holder.execute("BEGIN IMMEDIATE")
        status, answer = asked(service)
        holder.rollback()
        holder.close()
        assert (status, answer["Reason"]) == (503, "the database did not answer within 0.2 seconds")
        monkeypatch.setattr(admin, "TIMEOUT_SECONDS", 600)
        assert asked(service)[0] == 200
