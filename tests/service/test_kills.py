"""Kills at random moments under load, of the service and of its PostgreSQL server: nothing acknowledged is lost.

Few by default; ``make test-service-kills`` does it in earnest. A kill takes the processes and leaves the operating
system, so it shows that an answer never runs ahead of its commit. That a commit waits for the disk is the
databases' setting, which tests/service/db/test_database.py and test_postgres.py read back.
"""

import os
import random
import signal
import time
from pathlib import Path

from tests.service.cluster import Cluster
from tests.service.crowd import crowd, lost
from tests.service.running import PATIENCE, Service, child

KILLS = int(os.environ.get("OPTOUT_SERVICE_KILLS", "3"))
POSTGRES_KILLS = int(os.environ.get("OPTOUT_POSTGRES_KILLS", "2"))
SEED = int(os.environ.get("OPTOUT_KILL_SEED", "0")) or random.randrange(1, 10**6)


def linger(chance: random.Random) -> None:
    """Let some time pass within which anything may be under way."""
    time.sleep(chance.uniform(0, 0.5))


def report(killed: str, kills: int, told: dict[str, dict[str, str]]) -> None:
    checked = sum(map(len, told.values()))
    print(f"\n{kills} kills of {killed}, seed {SEED}: {checked} acknowledged opt-outs checked, none lost")


def test_kills_of_the_service_lose_nothing(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    told: dict[str, dict[str, str]] = {}
    for number in range(KILLS):
        with child(tmp_path) as service:
            for domain in list(told)[-1:]:
                assert lost(service, domain, told[domain]) == []
            domain = service.new_domain()
            with crowd(service, domain) as people:
                people.wait(1)
                linger(chance)
                os.kill(service.running.pid, signal.SIGKILL)
            assert service.process is not None
            assert service.process.wait(PATIENCE) == -signal.SIGKILL, f"kill {number}"
        told[domain] = people.acknowledged
    with child(tmp_path) as service:
        assert [name for domain in told for name in lost(service, domain, told[domain])] == []
    report("the service (SQLite)", KILLS, told)


def test_kills_of_the_postgresql_server_lose_nothing(tmp_path: Path, postgres: Cluster, database_url: str) -> None:
    chance = random.Random(SEED)
    told: dict[str, dict[str, str]] = {}
    with child(tmp_path, "--database", database_url) as service:
        for _ in range(POSTGRES_KILLS):
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
    report("PostgreSQL's server", POSTGRES_KILLS, told)


def recovered(service: Service, domain: str) -> None:
    """Wait until the service, which nobody touched, answers again; until then it asks clients to try again."""
    client, deadline = service.client(), time.monotonic() + PATIENCE
    while True:
        try:
            client.describe_domain(DomainId=domain)
        except client.exceptions.InternalServerException:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
