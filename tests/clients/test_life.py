"""Every client through every scenario, and every operation of the model at least once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import NODE_FOLDER
from tests.clients.drivers import Boto3, Lines, lines
from tests.clients.life import SCENARIOS, Answer, Client, Stage
from tests.service.running import Service
from voiceid_optout.model import load_model

FOLDER = Path(__file__).parent

scenarios = pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.__name__ for scenario in SCENARIOS])
Scenario = Callable[[Stage], None]


@pytest.fixture
def boto3_client(service: Service) -> Boto3:
    return Boto3(service)


@pytest.fixture
def javascript_client(node: str, environment: dict[str, str]) -> Iterator[Lines]:
    with lines([node, "calls.mjs"], environment, NODE_FOLDER) as client:
        yield client


@pytest.fixture
def aws_cli_client(aws_cli: str, environment: dict[str, str]) -> Iterator[Lines]:
    with lines([aws_cli, "awscli_calls.py"], environment, FOLDER, shows_members=False) as client:
        yield client


@scenarios
def test_boto3(boto3_client: Boto3, service: Service, objects: Path, scenario: Scenario) -> None:
    scenario(Stage(boto3_client, service, objects))


@pytest.mark.clients
@scenarios
def test_the_aws_cli(aws_cli_client: Lines, service: Service, objects: Path, scenario: Scenario) -> None:
    scenario(Stage(aws_cli_client, service, objects))


@pytest.mark.clients
@scenarios
def test_javascript(javascript_client: Lines, service: Service, objects: Path, scenario: Scenario) -> None:
    scenario(Stage(javascript_client, service, objects))


@dataclass
class Noting:
    """A client that notes which operations and errors it met."""

    client: Client
    shows_members: bool = True
    operations: set[str] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)

    def answer(self, operation: str, given: dict[str, Any]) -> Answer:
        found = self.client.answer(operation, given)
        self.operations.add(operation)
        self.errors.add(found.error or "")
        return found


def test_the_scenarios_meet_every_operation_and_every_error(
    boto3_client: Boto3, service: Service, objects: Path
) -> None:
    noting = Noting(boto3_client)
    for scenario in SCENARIOS:
        scenario(Stage(noting, service, objects))
    model = load_model()
    errors = {name for name, shape in model["shapes"].items() if shape.get("exception")}
    assert noting.operations == set(model["operations"])
    assert noting.errors - {""} == errors
