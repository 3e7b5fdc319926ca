"""Kills at random moments under load, of the service and of its PostgreSQL server: nothing acknowledged is lost.

Few in every run of the tests, many in ``make torture``. A kill takes the processes and leaves the operating
system, so it shows that an answer never runs ahead of its commit. That a commit waits for the disk is the
databases' setting, which tests/service/db/test_database.py and test_postgres.py read back.
"""

import os
import random
import signal
import time
from pathlib import Path

from tests import torture
from tests.service.cluster import Cluster
from tests.service.crowd import crowd, lost
from tests.service.running import TIMEOUT, Service, child
from tests.torture import Budget


def linger(chance: random.Random) -> None:
    """Let some time pass within which anything may be under way."""
    time.sleep(chance.uniform(0, 0.5))


def record(budget: Budget, told: dict[str, dict[str, str]]) -> None:
    budget.record(kills=budget.count, acknowledged_opt_outs=sum(map(len, told.values())), lost=0)


def test_kills_of_the_service_lose_nothing(tmp_path: Path) -> None:
    budget = torture.budget("service-kills")
    chance = random.Random(budget.seed)
    told: dict[str, dict[str, str]] = {}
    for number in range(budget.count):
        with child(tmp_path) as service:
            for domain in list(told)[-1:]:
                assert lost(service, domain, told[domain]) == []
            domain = service.new_domain()
            with crowd(service, domain) as people:
                people.wait(1)
                linger(chance)
                os.kill(service.running.pid, signal.SIGKILL)
            assert service.process is not None
            assert service.process.wait(TIMEOUT) == -signal.SIGKILL, f"kill {number}"
        told[domain] = people.acknowledged
    with child(tmp_path) as service:
        assert [name for domain in told for name in lost(service, domain, told[domain])] == []
    record(budget, told)


def test_kills_of_the_postgresql_server_lose_nothing(tmp_path: Path, postgres: Cluster, database_url: str) -> None:
    budget = torture.budget("postgresql-kills")
    chance = random.Random(budget.seed)
    told: dict[str, dict[str, str]] = {}
    with child(tmp_path, "--database", database_url) as service:
        for _ in range(budget.count):
            domain = service.new_domain()
            with crowd(service, domain) as people:
                people.wait(1)
                linger(chance)
                postgres.kill()
            postgres.start()
            told[domain] = people.acknowledged
            recovered(service, domain)
            assert lost(service, domain, told[domain]) == []
        assert [name for domain in told for name in lost(service, domain, told[domain])] == []
    record(budget, told)


def recovered(service: Service, domain: str) -> None:
    """Wait until the service, which nobody touched, answers again; until then it asks clients to try again."""
    client, deadline = service.client(), time.monotonic() + TIMEOUT
    while True:
        try:
            client.describe_domain(DomainId=domain)
        except client.exceptions.InternalServerException:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
