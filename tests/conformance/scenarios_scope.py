"""What the embedded engine refuses by name, and what the CLI does with it on a machine without more plugins."""

from __future__ import annotations

from tests.conformance.scenario import Scenario, preview, up

SCENARIOS = (
    Scenario(
        name="foreign-resource",
        refused="resource type elsewhere:index:Thing",
        about="A resource of another package.",
        start=(),
        turns=(preview(wants={"x": {"type": "elsewhere:index:Thing"}}), up()),
    ),
    Scenario(
        name="foreign-component",
        refused="remote component elsewhere:index:Group",
        about="A component that a plugin makes.",
        start=(),
        turns=(up(wants={"x": {"component": True, "remote": True}}),),
    ),
    Scenario(
        name="renamed-component",
        refused="aliases of the component sample:group:Group",
        about="A component has an alias; its children would need aliases too.",
        start=(up(wants={"g": {"component": True}, "g-0": {"parent": "g"}}),),
        turns=(up(wants={"h": {"component": True, "was": "g"}, "h-0": {"parent": "h"}}),),
    ),
    Scenario(
        name="component-with-inputs",
        refused="inputs of the component sample:group:Group",
        about="A component takes a resource as input.",
        start=(up(wants={"s0": {}}),),
        turns=(up(wants={"s0": {}, "g": {"component": True, "holds": "s0"}}),),
    ),
    Scenario(
        name="component-with-a-resource-as-output",
        refused="the resource s0 as a value",
        about="A component puts out a resource.",
        start=(up(wants={"s0": {}}),),
        turns=(up(wants={"s0": {}, "g": {"component": True, "shows": "s0"}}),),
    ),
    Scenario(
        name="resource-as-input",
        refused="the resource s0 as a value",
        about="A resource takes another one as input.",
        start=(up(wants={"s0": {}}),),
        turns=(up(wants={"s0": {}, "s1": {"holds": "s0"}}),),
    ),
    Scenario(
        name="foreign-function",
        refused="the function elsewhere:index:look",
        about="A function of another package is called.",
        start=(),
        turns=(up(wants={}, environment={"SAMPLE_INVOKE": "elsewhere:index:look"}),),
    ),
    Scenario(
        name="import-option",
        refused="import of pulumi-python:dynamic/sample:Thing",
        about="A resource is to be imported.",
        start=(),
        turns=(up(wants={"s3": {"import_": "id-s3-a"}}),),
    ),
    Scenario(
        name="read-by-id",
        refused="a read of pulumi-python:dynamic/sample:Thing by its id",
        about="A resource is read by its id, not managed.",
        start=(up(wants={"s0": {}}),),
        turns=(up(wants={"s0": {}, "s3": {"id": "id-s0-a"}}), up(wants={"s0": {}})),
    ),
    Scenario(
        name="explicit-version",
        refused="the provider version 1.2.3 of pulumi-python:dynamic/sample:Thing",
        about="A resource names the version of its provider.",
        start=(),
        turns=(up(wants={"s3": {"version": "1.2.3"}}),),
    ),
    Scenario(
        name="explicit-provider",
        refused="resource type pulumi:providers:pulumi-python",
        about="A provider resource of its own.",
        start=(),
        turns=(up(wants={"p": {"type": "pulumi:providers:pulumi-python"}, "s3": {"provider": "p"}}),),
    ),
    Scenario(
        name="ignore-changes-inside",
        refused="the property path m.a of pulumi-python:dynamic/sample:Thing",
        about="Paths into maps and lists are ignored.",
        start=(up(wants={"s0": {"more": {"m": {"a": 1, "b": 2}, "l": [1, 2]}}}),),
        turns=(
            up(wants={"s0": {"more": {"m": {"a": 5, "b": 6}, "l": [7, 8]}, "ignore_changes": ["m.a", "l[0]"]}}),
        ),
    ),
)
