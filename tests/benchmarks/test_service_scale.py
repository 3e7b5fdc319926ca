"""The service alone is measured on both databases, in small."""

from pathlib import Path

import pytest

from benchmarks.service_scale import measure
from tests.benchmarks.made import cell
from tests.service.cluster import binaries


@pytest.mark.parametrize("service", ["service-sqlite-1", "service-postgres-2"])
def test_everything_of_the_table_is_measured(service: str, tmp_path: Path) -> None:
    if "postgres" in service and binaries() is None:
        pytest.skip("PostgreSQL's server is not installed")
    result = measure(cell(f"{service}/serve/1000/none"), tmp_path, requests=64)
    assert result.is_done
    assert result.peak > 10_000_000
    parts = ("rate", "p50", "p99", "service", "database", "load")
    wanted = {f"{name}_{part}" for name in ("write", "page") for part in parts}
    assert wanted | {"hold_one", "hold_more", "start"} == result.told.keys()
    assert min(result.told[name] for name in ("hold_one", "write_rate", "page_rate")) > 0
