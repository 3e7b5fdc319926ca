"""Players of scenarios; what several scenarios start from is played once a session."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.conformance.play import Player

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def _no_settings() -> Iterator[None]:
    """Without Pulumi's variables, and without coverage's: hundreds of processes would start much later."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("PULUMI_", "COVERAGE_"))]:
            patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def _forked(forked_engine: None) -> None:
    """Start nothing that imports for itself: a scenario has up to a dozen processes."""


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Player:
    """Play on the embedded engine."""
    return Player.embedded(tmp_path_factory.mktemp("embedded"))


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> Player:
    """Play on the Pulumi CLI."""
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH")
    return Player.official(tmp_path_factory.mktemp("official"))
