import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.cluster import Cluster, binaries, cluster
from tests.service.running import Service, child, thread


@pytest.fixture(autouse=True)
def _no_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut the tests off from the machine's own AWS settings."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(autouse=True)
def _same_umask() -> Iterator[None]:
    """Undo what a service that ran within the test's own process did to it."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for the whole run; tests keep apart by domains of their own."""
    with thread(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Service]:
    """A service of the test's own, empty."""
    with thread(tmp_path / "fresh") as running:
        yield running


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Service]:
    """A service of the test's own, as a real process."""
    with child(tmp_path / "process") as running:
        yield running


@pytest.fixture(scope="session", params=["botocore's model", "own model"])
def client(request: pytest.FixtureRequest, service: Service) -> Any:
    """A boto3 client, once with each model."""
    return service.client(own_model=request.param == "own model")


@pytest.fixture
def domain(service: Service) -> str:
    return service.new_domain()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server for the whole run; tests keep apart by databases of their own."""
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL's server is not installed")
    with cluster(found) as server:
        yield server


@pytest.fixture
def database_url(postgres: Cluster) -> str:
    """The URL of an empty PostgreSQL database of the test's own."""
    return postgres.new_database()


@pytest.fixture(scope="session", autouse=True)
def _followed_closely() -> Iterator[None]:
    """Let services look after their keys more often than in earnest, so that nobody waits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voiceid_optout.service.auth.keys.POLL_SECONDS", 0.1)
        yield
