import pytest

from tests.plan.streams import CliStream, EmbeddedStream, Stream


@pytest.fixture(params=[CliStream, EmbeddedStream], ids=["cli", "embedded"])
def stream(request: pytest.FixtureRequest) -> Stream:
    """A run of a program: preview or up."""
    made: Stream = request.param()
    return made


@pytest.fixture(params=[lambda: CliStream(alone=True), EmbeddedStream], ids=["cli", "embedded"])
def refreshing(request: pytest.FixtureRequest) -> Stream:
    """A refresh that no program follows."""
    made: Stream = request.param()
    return made
