"""Fixtures: a GitHub of ones own, and a client that does not wait."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.forge import fake
from tests.forge.fake import Fake
from voiceid_optout.forge.client import GitHub, GitHubSettings, RetryPolicy


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GITHUB_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture
def forge() -> Iterator[Fake]:
    with fake.github() as running:
        yield running


@pytest.fixture
def waits() -> list[str]:
    """What the client says of its waits."""
    return []


@pytest.fixture
def github(forge: Fake, waits: list[str]) -> Iterator[GitHub]:
    retry_policy = RetryPolicy(tries=2, first_wait=0.0, say=waits.append)
    with GitHub(GitHubSettings.resolve(forge.environment()), retry_policy) as client:
        yield client


Connect = Callable[..., GitHub]


@pytest.fixture
def connect(forge: Fake) -> Iterator[Connect]:
    """Make a client with other variables."""
    clients = []

    def make(**variables: str) -> GitHub:
        clients.append(GitHub(GitHubSettings.resolve({**forge.environment(), **variables}), RetryPolicy(2, 0.0)))
        return clients[-1]

    yield make
    for client in clients:
        client.__exit__()
