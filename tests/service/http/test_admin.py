"""Health, metrics and test hooks on the admin port."""

import json
import socket
from typing import Any

import pytest

from tests.service.calls import call, send
from tests.service.http.test_app import opt_out
from tests.service.running import Service


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
