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


def test_what_has_no_state_has_no_preview_and_what_calls_nobody_has_no_quota() -> None:
    keys = {one.key for one in grid((10,), tuple(Quotas))}
    assert "loop/preview/10/none" not in keys
    assert "loop/refresh/10/aws" in keys
    assert "sharded/preview/10/none" in keys
    assert "sharded/preview/10/aws" not in keys
    assert "raw/up/10/aws" not in keys
    assert Phase.DIFF.value not in {key.split("/")[1] for key in keys}
    assert Kind.REGISTER.value + "-full/load/10/none" in keys
