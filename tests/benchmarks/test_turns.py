"""Commands in turn; how they are run is given."""

import pytest

from benchmarks.process import Run
from benchmarks.turns import in_turn


def test_commands_take_turns_and_the_median_counts() -> None:
    order = []

    def command(name: str, costs: list[float]) -> Run:
        order.append(name)
        cpu = costs[order.count(name) - 1]
        return Run(0, 2 * cpu, cpu, 1, 1, "", "")

    told = in_turn(
        {"one": lambda: command("one", [1.0, 9.0, 2.0]), "two": lambda: command("two", [5.0, 3.0, 4.0])}, 3
    )
    assert order == ["one", "two"] * 3
    assert told == {"one": 2.0, "one-seconds": 4.0, "two": 4.0, "two-seconds": 8.0}


def test_a_command_that_fails_is_named_with_what_it_said() -> None:
    with pytest.raises(SystemExit, match="error: one ended with 3: no register"):
        in_turn({"one": lambda: Run(3, 1.0, 1.0, 1, 1, "", "no register")}, 1)
