import gc
from pathlib import Path

import pytest

from voiceid_optout.register import RegisterInvalid, load
from voiceid_optout.register.collector import no_collection


def test_it_is_left_out_and_comes_back() -> None:
    assert gc.isenabled()
    with no_collection():
        assert not gc.isenabled()
        with no_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_comes_back_after_a_fault(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text("- no good!\n")
    with pytest.raises(RegisterInvalid):
        load(tmp_path, domains={}, default_domain=None)
    assert gc.isenabled()
