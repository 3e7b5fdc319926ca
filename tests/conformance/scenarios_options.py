"""Resource options, components, dependencies, targets, aliases, and a state that was moved."""

from __future__ import annotations

from tests.conformance.scenario import THREE, Allowed, Scenario, destroy, drift, own_words, preview, refresh, up

PROVIDER = "pulumi:providers:pulumi-python::default"
EARLIER = (
    f"1 preview/steps/resources/{PROVIDER}",
    f"2 up/steps/resources/{PROVIDER}",
    f"2 up/state/resources/{PROVIDER}",
    "2 up/state/newly",
)
GROUP = {"g": {"component": True}, "s0": {"parent": "g"}, "s1": {"parent": "g"}}
REPLACE_BEFORE = {"answer": {"changes": True, "replaces": ["val"], "delete_before_replace": True}}
GONE_URN = "urn:pulumi:dev::sample::pulumi-python:dynamic/sample:Thing"

SCENARIOS = (
    Scenario(
        name="ignore-changes",
        about="The old value stays in the inputs and reaches the check.",
        turns=(
            up(wants={**THREE, "s0": {"val": "b", "ignore_changes": ["val"]}}),
            up(wants={**THREE, "s0": {"val": "c", "ignore_changes": ["*"]}}),
            up(wants={**THREE, "s0": {"val": "d", "more": {"x": 1}, "ignore_changes": ["x"]}}),
            up(wants={**THREE, "s0": {"val": "d"}}),
        ),
    ),
    Scenario(
        name="ignore-changes-at-create",
        about="Nothing to keep at a create.",
        start=(),
        turns=(up(wants={"s0": {"ignore_changes": ["val"]}}),),
    ),
    Scenario(
        name="custom-timeouts",
        about="Kept in the state as seconds.",
        start=(),
        turns=(
            up(wants={"s0": {"custom_timeouts": {"create": "5m", "update": "90s", "delete": "1h30m"}}}),
            up(wants={"s0": {"custom_timeouts": {"create": "-5m", "update": "0s", "delete": "1h0m0.5s"}}}),
            up(wants={"s0": {"custom_timeouts": {"create": "0.25us", "update": "+3ns", "delete": "2562047h"}}}),
            up(wants={"s0": {}}),
        ),
    ),
    Scenario(
        name="custom-timeout-unreadable",
        about="A timeout that is no duration: the run ends.",
        start=(),
        turns=(
            preview(wants={"s0": {"custom_timeouts": {"create": "5 minutes"}}}),
            up(),
        ),
        allowed=(
            *own_words("1 preview", "2 up"),
            *(Allowed(where, "refused before the provider's entry is made") for where in EARLIER),
        ),
    ),
    Scenario(
        name="hide-diffs",
        about="What the CLI must not show: kept in the state.",
        start=(),
        turns=(
            up(wants={"s0": {"hide_diffs": ["val"]}}),
            up(wants={"s0": {"val": "b", "hide_diffs": ["val", "name"]}}),
            up(wants={"s0": {"val": "c"}}),
        ),
    ),
    Scenario(
        name="component",
        about="A component: its children's URNs, its outputs.",
        start=(),
        turns=(
            preview(wants=GROUP),
            up(),
            up(wants={**GROUP, "g": {"component": True, "size": 2}}),
            drift(),
            up(wants={"s0": {}}),
            destroy(),
        ),
    ),
    Scenario(
        name="component-removed-with-children",
        about="Children go before their component.",
        start=(up(wants=GROUP),),
        turns=(up(wants={}),),
    ),
    Scenario(
        name="component-retained",
        about="A component is asked to be retained and protected.",
        start=(up(wants={"g": {"component": True, "retain_on_delete": True}, "s0": {"parent": "g"}}),),
        turns=(up(wants={}),),
    ),
    Scenario(
        name="component-protected",
        about="Children inherit protection.",
        start=(up(wants={"g": {"component": True, "protect": True}, "s0": {"parent": "g"}}),),
        turns=(up(wants={}),),
        allowed=own_words("1 up"),
    ),
    Scenario(
        name="nested-components",
        about="A component in a component.",
        start=(),
        turns=(
            up(wants={"g": {"component": True}, "h": {"component": True, "parent": "g"}, "s0": {"parent": "h"}}),
            destroy(),
        ),
    ),
    Scenario(
        name="depends-on-component",
        about="A dependency on a component is a dependency on its children.",
        start=(),
        turns=(up(wants={**GROUP, "s2": {"depends_on": ["g"]}}), up(wants={**GROUP, "s2": {"depends_on": ["s0"]}})),
    ),
    Scenario(
        name="resource-as-parent",
        about="A resource is the parent of another.",
        start=(),
        ordered=True,
        turns=(up(wants={"s0": {}, "s1": {"parent": "s0"}}), destroy()),
    ),
    Scenario(
        name="dependencies",
        about="depends_on and outputs of others, at a create, a change and in a preview.",
        start=(),
        ordered=True,
        turns=(
            preview(wants={"s0": {}, "s1": {"depends_on": ["s0"]}, "s2": {"val_from": "s1"}}),
            up(),
            preview(wants={"s0": {}, "s1": {"val": "b", "depends_on": ["s0"]}, "s2": {"val_from": "s1"}}),
            up(),
            drift(),
        ),
    ),
    Scenario(
        name="dependents-of-a-replace-delete-first",
        about="Resources that depend on one that is deleted first are compared too.",
        start=(
            up(wants={"s0": {}, "s1": {"val_from": "s0"}, "s2": {"depends_on": ["s0"]}, "s3": {"name_from": "s0"}}),
        ),
        turns=(
            preview(
                wants={
                    "s0": {"val": "b"},
                    "s1": {"val_from": "s0"},
                    "s2": {"depends_on": ["s0"]},
                    "s3": {"name_from": "s0"},
                },
                faults={"diff:s0": REPLACE_BEFORE},
            ),
            up(faults={"diff:s0": REPLACE_BEFORE}),
        ),
    ),
    Scenario(
        name="dependents-of-a-replace",
        about="What depends on a replaced resource gets its new outputs.",
        start=(up(wants={"s0": {}, "s1": {"val_from": "s0"}, "s2": {"depends_on": ["s0"]}}),),
        turns=(
            preview(
                wants={"s0": {"val": "b"}, "s1": {"val_from": "s0"}, "s2": {"depends_on": ["s0"]}},
                faults={"diff:s0": {"answer": {"changes": True, "replaces": ["val"]}}},
            ),
            up(faults={"diff:s0": {"answer": {"changes": True, "replaces": ["val"]}}}),
        ),
    ),
    Scenario(
        name="deleted-with",
        about="A resource that is deleted with another is not deleted itself.",
        start=(up(wants={"s0": {}, "s1": {"deleted_with": "s0"}}),),
        turns=(up(wants={}),),
    ),
    Scenario(
        name="rename",
        about="An alias: the URN changes, nothing else.",
        turns=(
            preview(
                wants={"s0": {}, "s1": {}, "new": {"was": "s2"}},
                faults={"diff:new": {"answer": {"changes": False}}},
            ),
            up(faults={"diff:new": {"answer": {"changes": False}}}),
            up(wants={"s0": {}, "s1": {}, "new": {}}, faults={"diff:new": {"answer": {"changes": False}}}),
        ),
    ),
    Scenario(
        name="rename-and-change",
        about="Renamed and changed in one run.",
        turns=(up(wants={"s0": {}, "s1": {}, "new": {"was": "s2", "val": "b"}}),),
    ),
    Scenario(
        name="rename-and-failed-update",
        about="An alias takes effect with its step: after a failed one the old URN stays.",
        start=(up(wants={"s0": {}, "s1": {"depends_on": ["s0"]}}),),
        turns=(
            up(
                wants={"new": {"was": "s0", "val": "b"}, "s1": {"depends_on": ["new"]}},
                faults={"update:new": {"error": "no"}},
                continue_on_error=True,
            ),
            up(),
        ),
    ),
    Scenario(
        name="rename-outside-the-targets",
        about="A resource that is no target keeps its URN.",
        turns=(
            preview(wants={"s0": {"val": "b"}, "s1": {}, "new": {"was": "s2", "val": "b"}}, targets=("s0",)),
            up(targets=("s0",)),
            up(),
        ),
    ),
    Scenario(
        name="rename-and-replace",
        about="Renamed and replaced in one run: the old copy keeps its URN.",
        start=(up(wants={"s0": {}, "s1": {"depends_on": ["s0"]}}),),
        turns=(
            preview(
                wants={"new": {"was": "s0", "val": "b"}, "s1": {"depends_on": ["new"]}},
                faults={"diff:new": {"answer": {"changes": True, "replaces": ["val"]}}},
            ),
            up(
                faults={
                    "diff:new": {"answer": {"changes": True, "replaces": ["val"]}},
                    "delete:s0": {"error": "no"},
                },
            ),
            up(),
        ),
    ),
    Scenario(
        name="rename-and-replace-create-fails",
        about="Renamed and replaced, and the new one cannot be made, in either order.",
        start=(up(wants={"s0": {}, "s1": {"depends_on": ["s0"]}}),),
        turns=(
            up(
                wants={"new": {"was": "s0", "val": "b"}, "s1": {"depends_on": ["new"]}},
                faults={
                    "diff:new": {"answer": {"changes": True, "replaces": ["val"]}},
                    "create:new": {"error": "no"},
                },
            ),
            up(faults={"diff:new": REPLACE_BEFORE, "create:new": {"error": "no"}}),
            up(faults={"diff:new": REPLACE_BEFORE}),
        ),
    ),
    Scenario(
        name="rename-by-urn",
        about="The alias is a whole URN.",
        turns=(up(wants={"s0": {}, "s1": {}, "new": {"was_urn": f"{GONE_URN}::s2"}}),),
    ),
    Scenario(
        name="rename-of-what-others-need",
        about="Dependencies follow the new URN.",
        start=(up(wants={"s0": {}, "s1": {"depends_on": ["s0"]}, "s2": {"parent": "s0"}}),),
        turns=(up(wants={"new": {"was": "s0"}, "s1": {"depends_on": ["new"]}}), up(wants={"new": {"was": "s0"}})),
    ),
    Scenario(
        name="moved-into-a-component",
        about="An alias from the top into a component.",
        turns=(
            up(wants={"g": {"component": True}, "s0": {"parent": "g", "was_at_top": True}, "s1": {}, "s2": {}}),
        ),
    ),
    Scenario(
        name="alias-of-nothing",
        about="An alias of something that never existed.",
        start=(),
        turns=(up(wants={"s0": {"was": "never"}}),),
    ),
    Scenario(
        name="targets",
        about="Only named resources are changed; new ones that are not named are not created.",
        turns=(
            preview(wants={"s0": {"val": "b"}, "s1": {"val": "b"}, "s3": {}}, targets=("s1",)),
            up(targets=("s1",)),
            up(targets=("s2",)),
            up(targets=("s3",)),
            up(targets=("**0",)),
        ),
    ),
    Scenario(
        name="target-unknown",
        about="A target that does not exist.",
        turns=(preview(targets=("s9",)), up(targets=("s9",)), refresh(targets=("s9",)), destroy(targets=("s9",))),
        allowed=own_words("1 preview", "2 up", "3 refresh", "4 destroy"),
    ),
    Scenario(
        name="targets-with-refresh",
        about="A refresh before the program reads the targets only.",
        turns=(up(targets=("s0",), refresh=True, drift={"id-s0-a": "OFF", "id-s1-a": "OFF"}),),
    ),
    Scenario(
        name="target-in-a-component",
        about="A child is named, its component is not.",
        start=(up(wants=GROUP),),
        turns=(
            up(
                wants={
                    "g": {"component": True},
                    "s0": {"parent": "g", "val": "b"},
                    "s1": {"parent": "g", "val": "b"},
                },
                targets=("sample:group:Group$pulumi-python:dynamic/sample:Thing::s0",),
            ),
        ),
    ),
    Scenario(
        name="target-needs-an-untargeted-one",
        about="A target depends on a new one that is not named.",
        turns=(up(wants={"s3": {}, "s4": {"depends_on": ["s3"]}}, targets=("s4",)),),
        allowed=own_words("1 up"),
    ),
    Scenario(
        name="first-up-with-targets",
        about="The first run is given targets.",
        start=(),
        turns=(up(wants=THREE, targets=("s1",)), up()),
    ),
    Scenario(
        name="moved-state",
        about="A state exported and imported by the CLI, secrets included.",
        start=(
            up(
                wants={
                    **GROUP,
                    "s3": {"secret": True, "depends_on": ["s0"]},
                    "s4": {"protect": True},
                    "s5": {"retain_on_delete": True},
                }
            ),
        ),
        turns=(
            preview(moved=True),
            up(),
            drift(),
            up(wants={**GROUP, "s3": {"secret": True, "val": "b"}, "s4": {}}, moved=True),
        ),
    ),
)
