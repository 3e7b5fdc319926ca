from benchmarks.cells import Kind, Phase, Quotas, grid
from tests.benchmarks.made import cell


def test_keys_name_cells() -> None:
    for key in ("sharded/up/600/aws", "sharded/up/600/aws/200ms", "loop/refresh/10/none"):
        assert cell(key).key == key


def test_grid_has_small_sizes_first_and_each_cell_once() -> None:
    cells = grid((1000, 10), (Quotas.NONE, Quotas.AWS))
    assert len(cells) == len(set(cells))
    without = [one.people for one in cells if one.quotas is Quotas.NONE]
    assert without == sorted(without)
    assert {one.people for one in cells} == {10, 1000}


def test_the_service_alone_is_measured_once_at_the_largest_size_that_tells_anything() -> None:
    served = [one for one in grid((10, 10_000, 100_000), tuple(Quotas)) if one.phase is Phase.SERVE]
    assert [one.key for one in served] == [
        "service-sqlite-1/serve/100000/none",
        *(f"service-postgres-{count}/serve/100000/none" for count in (1, 2, 4)),
    ]
    assert [one for one in grid((10, 1_000), tuple(Quotas)) if one.phase is Phase.SERVE] == []


def test_what_has_no_state_has_no_preview_and_what_calls_nobody_has_no_quota() -> None:
    keys = {one.key for one in grid((10,), tuple(Quotas))}
    assert "loop/preview/10/none" not in keys
    assert "loop/refresh/10/aws" in keys
    assert "sharded/preview/10/none" in keys
    assert "sharded/preview/10/aws" not in keys
    assert "raw/up/10/aws" not in keys
    assert Phase.DIFF.value not in {key.split("/")[1] for key in keys}
    assert Kind.REGISTER.value + "-full/load/10/none" in keys
