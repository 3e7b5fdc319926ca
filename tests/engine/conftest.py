"""Projects to run engines on."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.engine.bench import Bench

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_pulumi_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PULUMI_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def bench(tmp_path: Path, forked_engine: None) -> Bench:
    """A project that has never been run: three resources wanted."""
    return Bench.make(tmp_path / "sample")


@pytest.fixture(scope="session")
def _settled(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    first = Bench.make(tmp_path_factory.mktemp("settled") / "sample")
    ran = first.up()
    assert ran.ok, ran
    return first


@pytest.fixture
def settled(_settled: Bench, tmp_path: Path, forked_engine: None) -> Bench:
    """A project whose three resources s0, s1 and s2 exist, as the embedded engine left it."""
    return _settled.copy(tmp_path / "sample")


@pytest.fixture
def official() -> None:
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH")
