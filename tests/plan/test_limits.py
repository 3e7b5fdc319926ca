import math
from typing import Any

import pytest

from voiceid_optout.plan.errors import LimitsError
from voiceid_optout.plan.guard import Limits
from voiceid_optout.plan.limits import EXAMPLE, parse


def test_nothing_said_means_the_defaults() -> None:
    assert parse(None) == parse({}) == Limits(max_losses=100, max_loss_percent=30, percent_from_losses=10)
    assert EXAMPLE == "{maxLosses: 100, maxLossPercent: 30, percentFromLosses: 10}"


def test_what_is_said_replaces_a_default() -> None:
    assert parse({"maxLosses": 0}) == Limits(max_losses=0)
    assert parse({"maxLossPercent": 12.5, "percentFromLosses": 3}) == Limits(100, 12.5, 3)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (100, "must be an object such as {maxLosses: 100"),
        ("{broken", "must be an object"),
        ([], "must be an object"),
        ({"maxLoses": 3}, "has the unknown key 'maxLoses': did you mean maxLosses?"),
        ({"enabled": False}, "unknown key 'enabled': known are maxLosses, maxLossPercent, percentFromLosses"),
        ({"secure": "v1:abc"}, "unknown key 'secure'"),
        ({"maxLosses": "3"}, "needs a whole number from 0 on for maxLosses, without quotes"),
        ({"maxLosses": -1}, "for maxLosses"),
        ({"maxLosses": 1.5}, "for maxLosses"),
        ({"maxLosses": True}, "for maxLosses"),
        ({"percentFromLosses": None}, "for percentFromLosses"),
        ({"maxLossPercent": 101}, "needs a number from 0 to 100 for maxLossPercent"),
        ({"maxLossPercent": -0.1}, "for maxLossPercent"),
        ({"maxLossPercent": math.nan}, "for maxLossPercent"),
        ({"maxLossPercent": "30 %"}, "for maxLossPercent"),
        ({"maxLossPercent": True}, "for maxLossPercent"),
    ],
)
def test_what_cannot_be_meant_is_named(value: Any, words: str) -> None:
    with pytest.raises(LimitsError) as caught:
        parse(value)
    assert words in str(caught.value)
