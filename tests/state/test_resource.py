from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.bench import THING, urn
from voiceid_optout.state import resource as resources
from voiceid_optout.state.resource import ResourceState
from voiceid_optout.state.trust import IDENTIFIERS
from voiceid_optout.state.values import SECRET_SIGNATURE, SIGNATURE_KEY, Secret

if TYPE_CHECKING:
    from voiceid_optout.state.passphrase import Crypter

STACK = urn("sample-dev", "pulumi:pulumi:Stack")
PROVIDER = urn("default", "pulumi:providers:pulumi-python")

# Every key this engine knows, in the order of the official state file.
FULL: dict[str, Any] = {
    "urn": urn("s1"),
    "custom": True,
    "delete": True,
    "id": "id-s1",
    "type": THING,
    "inputs": {"name": "s1", "val": "a"},
    "outputs": {"name": "s1", "status": "ON"},
    "parent": STACK,
    "protect": True,
    "external": True,
    "dependencies": [urn("s0")],
    "initErrors": ["slow"],
    "provider": f"{PROVIDER}::4ae8732c",
    "propertyDependencies": {"name": [], "val": [urn("s2")]},
    "pendingReplacement": True,
    "additionalSecretOutputs": ["status"],
    "aliases": [urn("old")],
    "customTimeouts": {"create": 300, "delete": 3600},
    "retainOnDelete": True,
    "deletedWith": urn("s3"),
    "created": "2026-11-22T13:05:30.3775Z",
    "modified": "2026-11-22T13:05:31Z",
    "sourcePosition": "project:///__main__.py#20",
    "ignoreChanges": ["val"],
    "hideDiff": ["val"],
    "replaceOnChanges": ["name"],
}


def test_every_key_in_its_place(crypter: Crypter) -> None:
    state = resources.from_json(FULL, crypter.decrypt)
    assert json.dumps(resources.to_json(state, crypter.encrypt)) == json.dumps(FULL)


def test_a_text_of_inputs_and_outputs_is_there_once_and_no_other_value_takes_its_place(crypter: Crypter) -> None:
    members = "sp-0123456789abcdef opted_out\n"
    ids = [{SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": crypter.encrypt('"caller-1"')} for _ in "io"]
    inputs = {"members": members, "ids": ids[0], "count": 1, "zero": 0, "on": [True]}
    outputs = {"members": f"{members} "[:-1], "ids": ids[1], "count": True, "zero": -0.0, "on": [1]}
    state = resources.from_json({**FULL, "inputs": inputs, "outputs": outputs}, crypter.decrypt)
    assert state.inputs["members"] is state.outputs["members"]
    assert state.inputs["ids"] is state.outputs["ids"]
    assert json.dumps({**state.outputs, "ids": ""}) == json.dumps({**outputs, "ids": ""})


@pytest.mark.parametrize("key", [key for key in FULL if key not in ("urn", "type", "custom")])
def test_an_empty_key_is_left_out(crypter: Crypter, key: str) -> None:
    document = {name: value for name, value in FULL.items() if name != key}
    state = resources.from_json(document, crypter.decrypt)
    assert resources.to_json(state, crypter.encrypt) == document
    assert resources.from_json({**FULL, key: None}, crypter.decrypt) == state


def test_the_least_there_is(crypter: Crypter) -> None:
    state = resources.from_json({"urn": urn("c0", "sample:group:Group")}, crypter.decrypt)
    assert state == ResourceState(urn=urn("c0", "sample:group:Group"), custom=False, type="sample:group:Group")
    document = {"urn": state.urn, "custom": False, "type": state.type}
    assert list(resources.to_json(state, crypter.encrypt).items()) == list(document.items())


def test_unknown_keys_are_dropped(crypter: Crypter) -> None:
    more = {"stackTrace": [{}], "taint": True, "zzz": 1}
    state = resources.from_json({**FULL, **more}, crypter.decrypt)
    assert resources.to_json(state, crypter.encrypt) == FULL


def test_secrets_are_sealed_where_they_are(crypter: Crypter) -> None:
    state = ResourceState(
        urn=urn("s1"),
        custom=True,
        type=THING,
        id="i",
        inputs={"a": Secret("hush")},
        outputs={"b": {"c": Secret(1)}},
    )
    document = resources.to_json(state, crypter.encrypt)
    sealed = document["inputs"]["a"]
    assert sealed[SIGNATURE_KEY] == SECRET_SIGNATURE
    assert crypter.decrypt(sealed["ciphertext"]) == '"hush"'
    assert crypter.decrypt(document["outputs"]["b"]["c"]["ciphertext"]) == "1"
    assert resources.from_json(document, crypter.decrypt) == state


def test_a_secret_text_that_is_put_out_as_it_came_in_is_sealed_and_opened_once(crypter: Crypter) -> None:
    secrets = {"same": Secret("hush"), "other": Secret("hush"), "one": Secret(1), "alone": Secret("x")}
    outputs = {"same": Secret("hush"), "other": Secret("loud"), "one": Secret(True), "more": Secret("y")}
    state = ResourceState(urn=urn("s1"), custom=True, type=THING, id="i", inputs=secrets, outputs=outputs)
    document = json.loads(json.dumps(resources.to_json(state, crypter.encrypt)))
    given, put_out = document["inputs"], document["outputs"]
    assert put_out["same"] == given["same"]
    assert put_out["other"] != given["other"]
    assert put_out["one"] != given["one"]
    opened = []

    def decrypt(text: str) -> str:
        opened.append(text)
        return crypter.decrypt(text)

    again = resources.from_json(document, decrypt)
    assert again == state
    assert again.outputs["one"].value is True
    assert len(opened) == len({*opened}) == len(secrets) + len(outputs) - 1


def test_what_a_resource_holds_is_not_shown() -> None:
    state = ResourceState(urn=urn("s1"), custom=True, type=THING, inputs={"a": "someone"}, outputs={"b": "someone"})
    assert "someone" not in repr(state)


def test_uses(crypter: Crypter) -> None:
    state = resources.from_json(FULL, crypter.decrypt)
    assert state.uses == (STACK, PROVIDER, urn("s0"), urn("s2"), urn("s3"))
    assert ResourceState(urn=STACK, custom=False, type="pulumi:pulumi:Stack").uses == ()


def test_is_provider() -> None:
    assert ResourceState(urn=PROVIDER, custom=True, type="pulumi:providers:pulumi-python").is_provider
    assert not ResourceState(urn=urn("s"), custom=True, type=THING).is_provider


class TestSealed:
    def state(self, **keys: Any) -> ResourceState:
        return ResourceState(urn=urn("s1"), custom=True, type=THING, **keys)

    def test_outputs_of_a_secret_input_and_those_named(self) -> None:
        outputs = {"val": "x", "status": "ON", "size": 1}
        state = self.state(
            inputs={"val": Secret("x")}, outputs=outputs, additional_secret_outputs=("status", "none")
        )
        assert resources.sealed(state).outputs == {"val": Secret("x"), "status": Secret("ON"), "size": 1}
        assert state.outputs == outputs

    def test_nothing_to_seal(self) -> None:
        state = self.state(inputs={"val": "x"}, outputs={"val": "x", "status": Secret("ON")})
        assert resources.sealed(state) is state

    def test_a_secret_is_sealed_once(self) -> None:
        state = self.state(
            inputs={"val": Secret("x")}, outputs={"val": Secret("x")}, additional_secret_outputs=("val",)
        )
        assert resources.sealed(state) is state


@pytest.mark.parametrize(("type_", "key"), IDENTIFIERS.items())
def test_identifiers_are_sealed_whoever_made_the_resource(type_: str, key: str) -> None:
    item = ResourceState(
        urn=urn("s", type_), custom=True, type=type_, inputs={key: "a"}, outputs={key: "b", "c": "d"}
    )
    assert (item.inputs, item.outputs) == ({key: Secret("a")}, {key: Secret("b"), "c": "d"})
    assert replace(item, outputs={key: "e"}).outputs == {key: Secret("e")}
    assert ResourceState(urn=urn("s"), custom=True, type=THING, inputs={key: "a"}).inputs == {key: "a"}
