"""Fixtures: one service a test process, and a domain and a copy of the project a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import copies
from tests.e2e.commands import Shell, eventually
from tests.e2e.services import Service, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.copies import Copy

SIXTY = [f"caller-{n:06}" for n in range(60)]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give a service for all tests of this process; each has a domain of its own in it."""
    folder = tmp_path_factory.mktemp("service")
    with serving(Shell(folder), folder / "data") as running:
        yield running


@pytest.fixture
def copy(tmp_path: Path, service: Service) -> Iterator[Copy]:
    """Give a copy with a stack on the shared service, in a folder whose name has a space."""
    made = copies.with_service(tmp_path / "opt outs", service, service.new_domain())
    yield made
    eventually(lambda: not made.shell.processes(), "all processes of the test have ended")


@pytest.fixture(scope="session")
def sixty(tmp_path_factory: pytest.TempPathFactory, service: Service) -> Copy:
    """Give the copy that ``applied`` is made of."""
    folder = tmp_path_factory.mktemp("sixty") / "project"
    made = copies.with_service(folder, service, service.new_domain())
    made.write(SIXTY)
    made.up()
    return made


@pytest.fixture
def applied(tmp_path: Path, sixty: Copy) -> Iterator[Copy]:
    """Give a copy whose sixty people are opted out, with one more to come.

    Others use the same domain: for tests that change nothing in the service.
    """
    made = copies.again(sixty, tmp_path / "opt outs")
    made.write([*SIXTY, "caller-900000"])
    yield made
    eventually(lambda: not made.shell.processes(), "all processes of the test have ended")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Copy]:
    """Give a copy as it was cloned: the sample register and the stack that brings its own service."""
    made = copies.sandbox(tmp_path / "opt outs")
    yield made
    eventually(lambda: not made.shell.processes(), "all processes of the test have ended")
