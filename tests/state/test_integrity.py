from __future__ import annotations

from typing import Any

import pytest

from tests.engine.bench import THING, urn
from voiceid_optout.state import integrity
from voiceid_optout.state.errors import StateError

STACK: dict[str, Any] = {"urn": urn("sample-dev", "pulumi:pulumi:Stack"), "custom": False}
PROVIDER: dict[str, Any] = {"urn": urn("default", "pulumi:providers:pulumi-python"), "custom": True, "id": "p"}
REFERENCE = f"{PROVIDER['urn']}::p"


def thing(name: str = "s1", **keys: Any) -> dict[str, Any]:
    own = {"urn": urn(name), "custom": True, "id": f"id-{name}", "type": THING, "parent": STACK["urn"]}
    return {**own, "provider": REFERENCE, **keys}


@pytest.mark.parametrize(
    "resources",
    [
        [],
        [STACK],
        [STACK, PROVIDER, thing(), thing("s2", dependencies=[urn("s1")])],
        [STACK, PROVIDER, thing(), thing(delete=True, id="old"), thing(delete=True, id="older")],
        [STACK, PROVIDER, thing(delete=True), thing("s2", dependencies=[urn("s1")])],
        [STACK, PROVIDER, thing(dependencies=None, inputs=None, parent=None, provider=None)],
        [STACK, PROVIDER, thing(parent=None, provider=""), thing("s2", zzz=1)],
    ],
)
def test_sound(resources: list[Any]) -> None:
    integrity.check(resources, [{"resource": thing(id=None, provider="gone::x"), "type": "creating"}], "dev.json")


@pytest.mark.parametrize(
    ("resources", "fault"),
    [
        ([3], "a resource without a URN"),
        ([{"urn": 3}], "a resource without a URN"),
        ([{"urn": "urn:pulumi:dev::sample::x"}], "a resource without a URN"),
        ([STACK, STACK], r"sample-dev is listed twice"),
        ([STACK, PROVIDER, thing(), thing(id="2")], "s1 is listed twice"),
        ([STACK, PROVIDER, thing(id="")], "s1 has no id"),
        ([STACK, PROVIDER, thing(id=None)], "s1 has no id"),
        ([{**STACK, "id": "x"}], "sample-dev is a component and has an id"),
        ([PROVIDER, thing()], "s1 refers to .*sample-dev, which does not stand before it"),
        ([PROVIDER, thing(), STACK], "s1 refers to .*sample-dev, which does not stand before it"),
        ([STACK, thing()], "s1 refers to .*default, which does not stand before it"),
        ([STACK, thing(), PROVIDER], "s1 refers to .*default, which does not stand before it"),
        ([STACK, {**PROVIDER, "id": "q"}, thing()], "s1 refers to default by an id it does not have"),
        ([STACK, PROVIDER, thing(dependencies=[urn("s2")])], "s1 refers to .*s2, which does not stand before it"),
        ([STACK, PROVIDER, thing(dependencies=[urn("s1")])], "s1 refers to .*s1, which does not stand before it"),
        ([STACK, PROVIDER, thing(inputs=["a"])], "`inputs` of .*s1 is not what it must be"),
        ([STACK, PROVIDER, thing(outputs="a")], "`outputs` of .*s1 is not what it must be"),
        ([STACK, PROVIDER, thing(dependencies="a")], "`dependencies` of .*s1 is not what it must be"),
        ([STACK, PROVIDER, thing(provider=3)], "`provider` of .*s1 is not what it must be"),
        ([STACK, PROVIDER, thing(id=3)], "`id` of .*s1 is not what it must be"),
    ],
)
def test_faults(resources: list[Any], fault: str) -> None:
    with pytest.raises(StateError, match=rf"^dev\.json: .*{fault}; restore the file from dev\.json\.bak$"):
        integrity.check(resources, [], "dev.json")


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        (3, "a pending operation without a type"),
        ({"resource": thing()}, "a pending operation without a type"),
        ({"type": "creating"}, "a resource without a URN"),
        ({"type": "creating", "resource": thing(inputs=3)}, "`inputs` of"),
    ],
)
def test_faults_of_pending_operations(operation: Any, fault: str) -> None:
    with pytest.raises(StateError, match=fault):
        integrity.check([], [operation], "dev.json")


@pytest.mark.parametrize(("value", "found"), [(None, ()), ([], ()), ([{"a": 1}], ({"a": 1},))])
def test_entries(value: Any, found: tuple[Any, ...]) -> None:
    assert integrity.entries(value, "dev.json") == found


@pytest.mark.parametrize("value", [{}, {"urn": 1}, "text", 3, False])
def test_entries_that_are_no_list(value: Any) -> None:
    with pytest.raises(StateError, match=r"^dev\.json: a list was expected where resources are"):
        integrity.entries(value, "dev.json")
