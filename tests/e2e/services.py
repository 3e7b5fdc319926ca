"""A running service, and its clients: plain boto3 with botocore's own model, and the admin hooks."""

from __future__ import annotations

import configparser
import json
import re
import secrets
import subprocess
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from tests.e2e.commands import Shell, optout_command
from voiceid_optout.service.data_folder import Running, find
from voiceid_optout.speakers import resource_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = "us-east-1"


@dataclass(frozen=True)
class Service:
    """A service that listens; ``process`` is None if somebody else started it."""

    running: Running
    process: subprocess.Popen[str] | None = None

    @cached_property
    def keys(self) -> tuple[str, str]:
        """The access key and its secret."""
        parser = configparser.RawConfigParser()
        parser.read(str(self.running.credentials_file))
        return parser["default"]["aws_access_key_id"], parser["default"]["aws_secret_access_key"]

    @cached_property
    def client(self) -> Any:
        """Return boto3's client."""
        key, secret = self.keys
        return boto3.client(
            "voice-id",
            endpoint_url=self.running.url,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=2),
        )

    def new_domain(self) -> str:
        """Make a domain for one test."""
        domain_id = secrets.token_hex(11)
        self.hook("/domains", DomainId=domain_id)
        return domain_id

    def hook(self, path: str, **body: Any) -> None:
        """Call an admin hook."""
        request = urllib.request.Request(
            f"{self.running.admin_url}{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            assert answer.status == 200

    def answered(self, operation: str) -> int:
        """Return how many calls of an operation the service has answered since it started."""
        with urllib.request.urlopen(f"{self.running.admin_url}/metrics", timeout=600) as answer:
            text = answer.read().decode()
        counts = re.findall(rf'^voiceid_requests_total{{.*operation="{operation}".*}} (\d+)', text, re.MULTILINE)
        return sum(map(int, counts))

    def seed(self, domain_id: str, speaker_id: str, status: str, *, recreate: bool = False) -> None:
        """Give a speaker a status, as enrolment would; with ``recreate`` under a new generated id."""
        self.hook("/speakers", DomainId=domain_id, CustomerSpeakerId=speaker_id, Status=status, Recreate=recreate)

    def delete(self, domain_id: str, speaker_id: str) -> None:
        """Delete a speaker behind the register's back."""
        self.client.delete_speaker(DomainId=domain_id, SpeakerId=speaker_id)

    def statuses(self, domain_id: str) -> dict[str, str]:
        """Return the status of everybody in the domain."""
        return {speaker["CustomerSpeakerId"]: speaker["Status"] for speaker in self._list(domain_id)}

    def resource_ids(self, domain_id: str) -> set[str]:
        """Return the ids that the resources of everybody in the domain have."""
        return {resource_id(domain_id, speaker["GeneratedSpeakerId"]) for speaker in self._list(domain_id)}

    def _list(self, domain_id: str) -> Iterator[dict[str, Any]]:
        for page in self.client.get_paginator("list_speakers").paginate(DomainId=domain_id):
            yield from page["SpeakerSummaries"]

    def describe(self, domain_id: str, speaker_id: str) -> dict[str, Any]:
        """Return all about one speaker."""
        answer = self.client.describe_speaker(DomainId=domain_id, SpeakerId=speaker_id)
        speaker: dict[str, Any] = answer["Speaker"]
        return speaker


def opted_out(people: list[str]) -> dict[str, str]:
    """Return what the service should say about these people."""
    return dict.fromkeys(people, "OPTED_OUT")


@contextmanager
def serving(shell: Shell, data: Path, *options: str) -> Iterator[Service]:
    """Run ``optout serve`` with an admin port for the time of the block; it may die on the way."""
    hooks = ["--admin-port", "0", "--test-hooks", "--quotas", "none"]
    command = optout_command("serve", "--data", str(data), "--port", "0", *hooks, *options)
    process = shell.start(*command, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    with process:
        try:
            ready = process.stdout.readline()
            running = find(data)
            assert running is not None, ready + process.stdout.read()
            service = Service(running, process)
            yield service
            if "client" in vars(service):
                service.client.close()
        finally:
            process.terminate()
            process.stdout.read()
