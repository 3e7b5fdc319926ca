"""The AWS SDKs for Java and Rust, by hand: ``make test-clients-more`` builds them, docs/clients.md tells of it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.drivers import Lines, lines
from tests.clients.life import Stage, domain_and_speaker, every_typed_error
from tests.clients.test_life import Scenario, scenarios
from tests.service.running import Service

pytestmark = pytest.mark.clients

FOLDER = Path(__file__).parent


@pytest.fixture
def java_client(environment: dict[str, str]) -> Iterator[Lines]:
    """The program of the Java SDK, compiled as it starts; its libraries are Maven's."""
    if not os.environ.get("OPTOUT_JAVA"):
        pytest.skip("OPTOUT_JAVA is not set: run make test-clients-more")
    command = [os.environ["OPTOUT_JAVA"], "-cp", "target/lib/*", "Calls.java"]
    with lines(command, environment, FOLDER / "java") as client:
        yield client


@pytest.fixture
def rust_client(service: Service, environment: dict[str, str]) -> Iterator[Lines]:
    """The program of the Rust SDK, which takes its keys from the environment alone."""
    program = os.environ.get("OPTOUT_RUST")
    if not program:
        pytest.skip("OPTOUT_RUST is not set: run make test-clients-more")
    key, secret = service.keys()
    keys = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
    with lines([program], environment | keys, FOLDER / "rust") as client:
        yield client


@scenarios
def test_java(java_client: Lines, service: Service, objects: Path, scenario: Scenario) -> None:
    scenario(Stage(java_client, service, objects))


@pytest.mark.parametrize("scenario", [domain_and_speaker, every_typed_error], ids=["life", "errors"])
def test_rust(rust_client: Lines, service: Service, objects: Path, scenario: Scenario) -> None:
    scenario(Stage(rust_client, service, objects))
