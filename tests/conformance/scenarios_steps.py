"""What becomes of resources the program declares: create, same, update, replace."""

from __future__ import annotations

from tests.conformance.scenario import THREE, Scenario, preview, up

REPLACE = {"diff:s1": {"answer": {"changes": True, "replaces": ["val"]}}}
REPLACE_BEFORE = {"diff:s1": {"answer": {"changes": True, "replaces": ["val"], "delete_before_replace": True}}}
CHANGED = {**THREE, "s1": {"val": "b"}}

SCENARIOS = (
    Scenario(
        name="first-up",
        about="A stack that has never been run: preview, up, then nothing to do.",
        start=(),
        turns=(preview(wants=THREE), up(), preview(), up()),
    ),
    Scenario(
        name="first-up-with-refresh",
        about="The first run asks for a refresh too.",
        start=(),
        turns=(up(refresh=True),),
    ),
    Scenario(
        name="nothing-declared", about="The program declares nothing.", start=(), turns=(up(wants={}), up(wants={}))
    ),
    Scenario(
        name="changed-input",
        about="An input differs from the state.",
        turns=(preview(wants=CHANGED), up(), preview()),
    ),
    Scenario(
        name="added-and-changed-and-removed",
        about="One of each in one run.",
        turns=(up(wants={"s0": {}, "s1": {"val": "b"}, "s3": {}}),),
    ),
    Scenario(
        name="more-and-fewer-inputs",
        about="Inputs of every type come, change and go; null inside lists and maps.",
        turns=(
            up(
                wants={
                    "s0": {
                        "more": {
                            "i": 3,
                            "f": 1.5,
                            "big": 12345678901234567890,
                            "b": False,
                            "e": "",
                            "l": [1, None, "x"],
                            "m": {"k": None, "n": [], "o": {}},
                            "u": "é<&>\u2028",
                        }
                    }
                }
            ),
            up(),
            up(wants={"s0": {"more": {"i": 4, "l": []}}}),
        ),
    ),
    Scenario(
        name="negative-zero",
        about="-0 and 0 are different numbers for the provider and in the state, but this is no change.",
        start=(),
        turns=(
            up(wants={"s0": {"more": {"n": -0.0, "deep": {"l": [-0.0, 0.0]}, "small": -1e-7}}}),
            up(wants={"s0": {"more": {"n": 0, "deep": {"l": [0, -0.0]}, "small": -0.05}}}),
        ),
    ),
    Scenario(
        name="outputs-that-are-not-inputs",
        about="A provider returns additional outputs, and omits some at an update.",
        start=(),
        turns=(
            up(
                wants={"s0": {}},
                faults={"create:s0": {"outs": {"n": None, "deep": {"z": None, "l": [None]}, "made": 7}}},
            ),
            up(wants={"s0": {"val": "b"}}),
        ),
    ),
    Scenario(
        name="diff-says-no",
        about="The provider sees no change though an input differs: new inputs are stored, outputs stay.",
        turns=(
            up(wants=CHANGED, faults={"diff:s1": {"answer": {"changes": False}}}),
            up(faults={"diff:s1": {"answer": {"changes": False, "replaces": ["val"]}}}),
        ),
    ),
    Scenario(
        name="diff-leaves-it-to-the-engine",
        about="The provider does not say whether there is a change: the engine compares the inputs.",
        turns=(
            up(wants=CHANGED, faults={f"diff:s{n}": {"answer": {}} for n in range(3)}),
            up(faults={f"diff:s{n}": {"answer": {}} for n in range(3)}),
        ),
    ),
    Scenario(
        name="replace-create-first",
        about="The default order: create the new one, delete the old one at the end.",
        turns=(preview(wants=CHANGED, faults=REPLACE), up(faults=REPLACE), up()),
    ),
    Scenario(
        name="replace-delete-first",
        about="The provider asks for the delete before the create.",
        turns=(preview(wants=CHANGED, faults=REPLACE_BEFORE), up(faults=REPLACE_BEFORE), up()),
    ),
    Scenario(
        name="replace-delete-first-by-option",
        about="The program asks for the delete before the create.",
        turns=(up(wants={**THREE, "s1": {"val": "b", "delete_before_replace": True}}, faults=REPLACE),),
    ),
    Scenario(
        name="replace-on-changes",
        about="An option turns a change that the engine found into a replace, not one that the provider reported.",
        turns=(
            up(
                wants={**THREE, "s1": {"val": "b", "replace_on_changes": ["val"]}},
                faults={"diff:s1": {"answer": {}}},
            ),
            up(wants={**THREE, "s1": {"val": "c", "replace_on_changes": ["val"]}}),
            up(
                wants={**THREE, "s1": {"val": "d", "replace_on_changes": ["*"]}}, faults={"diff:s1": {"answer": {}}}
            ),
        ),
    ),
    Scenario(
        name="replaces-of-an-unknown-property",
        about="The provider names a property that does not exist as the reason of a replace.",
        turns=(up(wants=CHANGED, faults={"diff:s1": {"answer": {"replaces": ["nothing"]}}}),),
    ),
    Scenario(
        name="replace-of-a-retained-one",
        about="A retained resource is replaced: its old copy is forgotten, not deleted.",
        start=(up(wants={**THREE, "s1": {"retain_on_delete": True}}),),
        turns=(up(wants={**THREE, "s1": {"val": "b", "retain_on_delete": True}}, faults=REPLACE),),
    ),
    Scenario(
        name="replace-delete-first-of-a-retained-one",
        about="The same with the delete first.",
        start=(up(wants={**THREE, "s1": {"retain_on_delete": True}}),),
        turns=(up(wants={**THREE, "s1": {"val": "b", "retain_on_delete": True}}, faults=REPLACE_BEFORE),),
    ),
    Scenario(
        name="ensure-changes",
        about="What is asked of a resource turns into its opposite and back, always the same resource.",
        start=(up(wants={"s0": {"more": {"ensure": "opted_out"}, "retain_on_delete": True}}),),
        turns=(
            preview(
                wants={"s0": {"more": {"ensure": "released"}, "retain_on_delete": True}},
                faults={"diff:s0": {"answer": {"changes": True}}},
            ),
            up(faults={"diff:s0": {"answer": {"changes": True}}, "update:s0": {"outs": {"status": "GONE"}}}),
            up(),
            up(
                wants={"s0": {"more": {"ensure": "opted_out"}, "retain_on_delete": True}},
                faults={"diff:s0": {"answer": {"changes": True}}},
            ),
        ),
    ),
)
