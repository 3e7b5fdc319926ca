import gc

from voiceid_optout.memory import no_collection


def test_it_is_left_out_and_comes_back() -> None:
    assert gc.isenabled()
    with no_collection():
        assert not gc.isenabled()
        with no_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_was_made_is_old() -> None:
    gc.unfreeze()  # a process that others are forked from has frozen what it has
    with no_collection():
        made = [[] for _ in range(100)]  # type: ignore[var-annotated]
    assert any(one is made for one in gc.get_objects(2))
