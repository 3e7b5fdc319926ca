"""Names that two resources share, wherever they stand."""

from __future__ import annotations

from tests.conformance.scenario import Allowed, Scenario, own_words, preview, up

LIKE_A_THING = {"component": True, "type": "pulumi-python:dynamic/sample:Thing", "name": "s0"}

SCENARIOS = (
    Scenario(
        name="duplicate-name",
        about="Two resources of one name.",
        start=(),
        ordered=True,
        turns=(preview(wants={"s0": {}, "again": {"name": "s0", "depends_on": ["s0"]}}), up()),
    ),
    Scenario(
        name="duplicate-of-a-component",
        about="A resource and a component of one type and name.",
        start=(),
        turns=(
            preview(wants={"s0": {}, "g": {**LIKE_A_THING, "depends_on": ["s0"]}}),
            up(),
        ),
    ),
    Scenario(
        name="duplicate-in-two-components",
        about="Children of two components of one type share a name.",
        start=(),
        turns=(
            up(
                wants={
                    "g": {"component": True},
                    "h": {"component": True},
                    "s0": {"parent": "g"},
                    "again": {"name": "s0", "parent": "h", "depends_on": ["s0"]},
                }
            ),
        ),
    ),
    Scenario(
        name="duplicate-outside-the-targets",
        about="Two resources of one name, neither of them a target.",
        start=(up(wants={"s2": {}}),),
        turns=(
            up(
                wants={"s2": {}, "s0": {"depends_on": ["s2"]}, "again": {"name": "s0", "depends_on": ["s0"]}},
                targets=("s2",),
            ),
        ),
    ),
    Scenario(
        name="duplicate-by-alias",
        about="The alias of one is the name of another, made before or after it; or an alias of both.",
        start=(up(wants={"s0": {}}),),
        turns=(
            preview(wants={"new": {"was": "s0"}, "s0": {"depends_on": ["new"]}}),
            preview(wants={"s0": {}, "new": {"was": "s0", "depends_on": ["s0"]}}),
            preview(wants={"a": {"was": "s0"}, "b": {"was": "s0", "depends_on": ["a"]}}),
        ),
        allowed=(
            *own_words("1 preview", "2 preview", "3 preview"),
            *(Allowed(f"{turn} preview/calls", "refused before the check") for turn in (1, 2, 3)),
        ),
    ),
)
