"""A call that was answered with success is on disk: through a kill, a full disk, and a crowd."""

import os
import resource
import signal
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.service.crowd import crowd, listed, lost
from tests.service.running import TIMEOUT, Service, child
from voiceid_optout.service.data_folder import find


def test_every_acknowledged_opt_out_survives_a_kill(tmp_path: Path) -> None:
    with child(tmp_path) as service:
        domain = service.new_domain()
        with crowd(service, domain) as people:
            people.wait(300)
            os.kill(service.running.pid, signal.SIGKILL)
        assert service.process is not None
        assert service.process.wait(TIMEOUT) == -signal.SIGKILL
        assert find(tmp_path) is None  # although its endpoint.json is still there
        assert (tmp_path / "endpoint.json").exists()
    with child(tmp_path) as service:
        assert lost(service, domain, people.acknowledged) == []


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
