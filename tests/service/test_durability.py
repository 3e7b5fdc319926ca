"""A call that was answered with success is on disk: through a kill, a full disk, and a crowd."""

import os
import resource
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from optout.service.running import find
from tests.service.running import PATIENCE, Service, child

WORKERS = 16


def listed(service: Service, domain: str) -> Any:
    pages = service.client().get_paginator("list_speakers").paginate(DomainId=domain)
    return {entry["CustomerSpeakerId"]: entry for page in pages for entry in page["SpeakerSummaries"]}


def test_every_acknowledged_opt_out_survives_a_kill(tmp_path: Path) -> None:
    acknowledged: dict[str, str] = {}
    enough = threading.Event()
    with child(tmp_path) as service:
        domain = service.new_domain()
        client = service.client()

        def work(worker: int) -> None:
            for number in range(10_000):
                name = f"caller-{worker}-{number}"
                try:
                    made = client.opt_out_speaker(DomainId=domain, SpeakerId=name)["Speaker"]
                except (BotoCoreError, ClientError):
                    return
                acknowledged[name] = made["GeneratedSpeakerId"]
                if len(acknowledged) >= 300:
                    enough.set()

        with ThreadPoolExecutor(WORKERS) as pool:
            for worker in range(WORKERS):
                pool.submit(work, worker)
            assert enough.wait(PATIENCE)
            os.kill(service.running.pid, signal.SIGKILL)
        assert service.process is not None
        assert service.process.wait(PATIENCE) == -signal.SIGKILL
        assert find(tmp_path) is None  # although its endpoint.json is still there
        assert (tmp_path / "endpoint.json").exists()
    with child(tmp_path) as service:
        found = listed(service, domain)
    assert len(acknowledged) >= 300
    lost = [name for name, generated in acknowledged.items() if found[name]["GeneratedSpeakerId"] != generated]
    assert lost == []


def test_a_full_disk_fails_the_call_and_not_the_service(process: Service) -> None:
    client, domain = process.client(), process.new_domain()
    client.opt_out_speaker(DomainId=domain, SpeakerId="before")
    _, hard = resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE)
    # No file of the process may grow beyond what it has: to SQLite that is a full disk.
    resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE, (1, hard))
    with pytest.raises(ClientError) as refusal:
        client.opt_out_speaker(DomainId=domain, SpeakerId="during")
    assert refusal.value.response["Error"]["Code"] == "InternalServerException"
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert set(listed(process, domain)) == {"before"}
    resource.prlimit(process.running.pid, resource.RLIMIT_FSIZE, (hard, hard))
    client.opt_out_speaker(DomainId=domain, SpeakerId="after")
    assert set(listed(process, domain)) == {"before", "after"}
