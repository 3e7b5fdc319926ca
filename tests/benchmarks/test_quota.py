import pytest

from benchmarks import quota
from tests.benchmarks.made import cell
from tests.tables import each_row


@each_row(
    ("key", "seconds"),
    [
        ("sharded/up/600/aws", 60),
        ("sharded/refresh/10000/aws", 20),  # 100 pages, 5 a second
        ("sharded/refresh/10001/aws", 20.2),
        ("textbook/refresh/10000/aws", 1000),
        ("loop/refresh/10000/aws", 1000),
        ("loop/add/10000/aws", 1000),
        ("sharded/add/10000/aws", 0.1),
        ("sharded/preview/10000/aws", 0),
        ("sharded/up/600/none", 0),
    ],
)
def test_floor_is_calls_over_quota(key: str, seconds: float) -> None:
    assert quota.floor(cell(key)) == pytest.approx(seconds)


@each_row(("people", "drifted"), [(10, 1), (99, 1), (1000, 10), (100_000, 1000)])
def test_somebody_has_always_drifted(people: int, drifted: int) -> None:
    assert quota.drifted(people) == drifted
