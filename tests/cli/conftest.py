"""Fixtures: a project, with a service or without one, cut off from the machine's own settings."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import projects
from tests.cli.engines import ModelEngine, ScriptedEngine
from tests.cli.forge import Hosted, hosted
from tests.cli.projects import Project
from tests.service.running import Service, thread


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "GITHUB_", "OPTOUT_", "PULUMI_"))]:
        monkeypatch.delenv(name)
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module", autouse=True)
def _known_salts(known_salts: None) -> None:
    """Nothing here is about new salts."""


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all; each test has a domain of its own in it."""
    with thread(tmp_path_factory.mktemp("service") / "data") as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose service is nowhere: for what is decided before it is asked."""
    return projects.make(tmp_path / "a project")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder that commands are typed in."""
    folder = tmp_path / "opt-outs"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """An engine in the place of all others: the test writes the events that it plays."""
    made = ScriptedEngine()
    monkeypatch.setattr("voiceid_optout.cli.session.choose", lambda *_: made)
    return made


@pytest.fixture
def model(project: Project, monkeypatch: pytest.MonkeyPatch) -> ModelEngine:
    """An engine for the project whose state and service are tables: runs follow one another, and start nothing."""
    made = ModelEngine()
    monkeypatch.setattr("voiceid_optout.cli.session.choose", lambda *_: made)
    project.environment["PULUMI_STACK"] = "test"
    return made


@pytest.fixture
def on_github(project: Project) -> Iterator[Hosted]:
    """A project of two people with a pull request, on a GitHub of its own."""
    with hosted(project) as found:
        yield found


@pytest.fixture
def domain(service: Service) -> str:
    return service.new_domain()


@pytest.fixture
def live(
    tmp_path: Path, service: Service, domain: str, forked_engine: None, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """A project on a running service, two people in its register and nothing done yet."""
    access_key, secret = service.keys()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    return projects.make_with(tmp_path / "a project", service, domain)
