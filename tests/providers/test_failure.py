import sys
import traceback

import pytest

from voiceid_optout.providers.failure import OptOutFailed, clean_failures
from voiceid_optout.voiceid import UnknownDomain

PLANTED = "planted-4711"


@clean_failures
def fails(error: Exception) -> None:
    raise error from ValueError(PLANTED)


def printed(error: Exception) -> str:
    with pytest.raises(OptOutFailed) as caught:
        fails(error)
    return "".join(traceback.format_exception(caught.value))


def test_our_errors_pass_as_one_line_without_their_causes() -> None:
    text = printed(UnknownDomain("no such domain"))
    assert text.splitlines()[-1] == "OptOutFailed: no such domain"
    assert PLANTED not in text


def test_unforeseen_errors_tell_kind_and_place_and_not_their_text() -> None:
    text = printed(KeyError(PLANTED))
    assert text.splitlines()[-1].startswith("OptOutFailed: unforeseen KeyError in test_failure.py:")
    assert PLANTED not in text


def test_the_place_is_told_where_stack_frames_are_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "tracebacklimit", 0, raising=False)
    assert " in test_failure.py:" in printed(KeyError(PLANTED))


def test_nothing_is_chained() -> None:
    with pytest.raises(OptOutFailed) as caught:
        fails(KeyError(PLANTED))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_results_and_names_pass() -> None:
    @clean_failures
    def double(number: int) -> int:
        return 2 * number

    assert double(4) == 8
    assert double.__name__ == "double"
