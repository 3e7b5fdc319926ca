from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.bench import SALT, THING, urn
from tests.tables import each_row
from voiceid_optout.state import OutOfScopeError, StateError
from voiceid_optout.state import checkpoint as checkpoints
from voiceid_optout.state.checkpoint import Checkpoint, PendingOperation, SealedCheckpoint
from voiceid_optout.state.resource import ResourceState
from voiceid_optout.state.values import Secret

if TYPE_CHECKING:
    from voiceid_optout.state.passphrase import Crypter


MOMENT = datetime(2026, 11, 22, 13, 5, 36, 254430, tzinfo=UTC)
STACK = ResourceState(urn=urn("sample-dev", "pulumi:pulumi:Stack"), custom=False, type="pulumi:pulumi:Stack")
S1 = ResourceState(
    urn=urn("s1"), custom=True, type=THING, id="id-s1", parent=STACK.urn, inputs={"val": Secret("a")}
)


def document(**latest: Any) -> dict[str, Any]:
    return {"version": 3, "checkpoint": {"stack": "organization/sample/dev", "latest": latest}}


def parse(content: Any) -> SealedCheckpoint:
    return checkpoints.parse(json.dumps(content).encode(), "dev.json")


class TestRender:
    def test_text(self, crypter: Crypter) -> None:
        text = checkpoints.render("dev", "sample", Checkpoint((STACK,)), crypter, MOMENT)
        magic = hashlib.sha256(b"3.260.0").hexdigest()
        assert text.decode() == (
            '{"version":3,"checkpoint":{"stack":"organization/sample/dev","latest":{'
            f'"manifest":{{"time":"2026-11-22T13:05:36.25443Z","magic":"{magic}","version":"3.260.0"}},'
            f'"secrets_providers":{{"type":"passphrase","state":{{"salt":"{SALT}"}}}},'
            f'"resources":[{{"urn":"{STACK.urn}","custom":false,"type":"pulumi:pulumi:Stack"}}],'
            '"metadata":{}}}}'
        )

    def test_order_of_keys(self, crypter: Crypter) -> None:
        state = Checkpoint((STACK, S1), (PendingOperation(S1, "updating"),))
        latest = json.loads(checkpoints.render("dev", "sample", state, crypter, MOMENT))["checkpoint"]["latest"]
        assert list(latest) == ["manifest", "secrets_providers", "resources", "pending_operations", "metadata"]
        assert list(latest["pending_operations"][0]) == ["resource", "type"]

    def test_texts_like_keys(self, crypter: Crypter) -> None:
        name = '"resources":[],"pending_operations":[]'
        one = ResourceState(urn=STACK.urn, custom=False, type=STACK.type, outputs={name: name})
        state = Checkpoint((one,), (PendingOperation(S1, "updating"),))
        pieces = list(checkpoints.pieces(name, name, state, crypter, MOMENT))
        checkpoint = json.loads(b"".join(pieces))["checkpoint"]
        assert checkpoint["stack"] == f"organization/{name}/{name}"
        assert checkpoint["latest"]["resources"][0]["outputs"] == {name: name}
        assert checkpoint["latest"]["pending_operations"][0]["type"] == "updating"

    def test_an_empty_state_has_no_resources(self, crypter: Crypter) -> None:
        latest = json.loads(checkpoints.render("dev", "sample", Checkpoint(), crypter, MOMENT))["checkpoint"][
            "latest"
        ]
        assert list(latest) == ["manifest", "secrets_providers", "metadata"]

    def test_what_is_written_reads_back(self, crypter: Crypter) -> None:
        state = Checkpoint((STACK, S1), (PendingOperation(S1, "updating"),))
        text = checkpoints.render("dev", "sample", state, crypter, MOMENT)
        assert b"hush" not in text
        raw = checkpoints.parse(text, "dev.json")
        assert raw.salt == SALT
        assert raw.open(crypter.decrypt) == state

    def test_texts_stay_readable(self, crypter: Crypter) -> None:
        state = Checkpoint((ResourceState(urn=STACK.urn, custom=False, type=STACK.type, outputs={"a": "<é>&"}),))
        assert '{"a":"<é>&"}'.encode() in checkpoints.render("dev", "sample", state, crypter, MOMENT)


@each_row(
    ("moment", "text"),
    [
        (MOMENT, "2026-11-22T13:05:36.25443Z"),
        (MOMENT.replace(microsecond=0), "2026-11-22T13:05:36Z"),
        (MOMENT.replace(second=0, microsecond=0), "2026-11-22T13:05:00Z"),
        (MOMENT.replace(microsecond=1), "2026-11-22T13:05:36.000001Z"),
        (MOMENT.astimezone(timezone(timedelta(hours=-5))), "2026-11-22T13:05:36.25443Z"),
    ],
)
def test_timestamp(moment: datetime, text: str) -> None:
    assert checkpoints.timestamp(moment) == text


class TestParse:
    @each_row(
        "content",
        [
            {"version": 3},
            {"version": 3, "checkpoint": {}},
            {"version": 3, "checkpoint": {"latest": None}},
            {"version": 3, "checkpoint": {"stack": "another/one/here"}, "zzz": 1},
            {"version": 4, "features": [], "checkpoint": {"latest": {"metadata": {}}}},
            document(resources=None, pending_operations=None, secrets_providers=None, manifest=None),
            document(manifest={"time": "", "magic": "", "version": ""}),
        ],
    )
    def test_a_stack_with_nothing(self, content: Any) -> None:
        assert parse(content) == SealedCheckpoint()

    def test_pretty_printed(self) -> None:
        content = document(resources=[{"urn": STACK.urn}])
        text = json.dumps(content, indent=4).encode() + b"\n"
        assert checkpoints.parse(text, "dev.json").resources == ({"urn": STACK.urn},)

    def test_a_version_with_its_checksum(self) -> None:
        manifest = {"version": "9.9.9", "magic": hashlib.sha256(b"9.9.9").hexdigest()}
        assert parse(document(manifest=manifest)) == SealedCheckpoint()

    def test_salt(self) -> None:
        providers = {"type": "passphrase", "state": {"salt": SALT}}
        assert parse(document(secrets_providers=providers)).salt == SALT

    def test_without_salt(self) -> None:
        assert parse(document(secrets_providers={"type": "passphrase"})).salt is None

    @each_row(
        "text",
        [
            b"",
            b"{",
            b'{"version":3,"checkp',
            b"[]",
            b"3",
            b"null",
            b"\xff",
            b'{"version":3,"checkpoint":null}',
            b'{"version":3,"checkpoint":[1]}',
            b'{"version":3,"checkpoint":{"latest":[1]}}',
            b'{"version":3,"checkpoint":{"latest":{"manifest":"x"}}}',
            b'{"version":3,"checkpoint":{"latest":{"secrets_providers":"x"}}}',
            b'{"version":3,"checkpoint":{"latest":{"secrets_providers":{"type":"passphrase","state":"x"}}}}',
        ],
    )
    def test_no_state(self, text: bytes) -> None:
        with pytest.raises(
            StateError, match=r"^dev.json is not a Pulumi state file: restore it from dev.json.bak$"
        ):
            checkpoints.parse(text, "dev.json")

    @each_row("version", [None, 0, 1, 2, 5, 99, "3"])
    def test_other_versions(self, version: Any) -> None:
        with pytest.raises(StateError, match=r"dev.json: checkpoint version .* is not supported"):
            parse({"version": version, "checkpoint": {}})

    def test_no_version_is_no_empty_state(self) -> None:
        with pytest.raises(StateError, match="checkpoint version 0 is not supported"):
            parse({"checkpoint": {"latest": {"resources": [{"urn": STACK.urn}]}}})

    def test_features(self) -> None:
        with pytest.raises(OutOfScopeError, match="the state uses taint, hooks: the embedded engine does not"):
            parse({"version": 4, "features": ["taint", "hooks"], "checkpoint": {}})

    def test_a_salt_that_is_no_text(self) -> None:
        with pytest.raises(StateError, match=r"its salt is no text; restore the file from dev.json.bak"):
            parse(document(secrets_providers={"type": "passphrase", "state": {"salt": {"a": 1}}}))

    def test_another_secrets_provider(self) -> None:
        with pytest.raises(OutOfScopeError, match="the secrets provider cloud: "):
            parse(document(secrets_providers={"type": "cloud", "state": {}}))

    @each_row(
        "manifest",
        [{"version": "3.260.0", "magic": "0" * 64}, {"version": "3.260.0"}, {"magic": "0" * 64}],
    )
    def test_a_wrong_checksum(self, manifest: dict[str, str]) -> None:
        with pytest.raises(StateError, match=r"its checksum is not that of its version; restore the file"):
            parse(document(manifest=manifest))

    def test_faults_of_resources(self) -> None:
        with pytest.raises(
            StateError, match=r"dev.json: a resource without a URN; restore the file from dev.json.bak"
        ):
            parse(document(resources=[{}]))

    def test_faults_of_pending_operations(self) -> None:
        with pytest.raises(StateError, match="a pending operation without a type"):
            parse(document(pending_operations=[{}]))


ROOT: dict[str, Any] = {"urn": urn("sample-dev", "pulumi:pulumi:Stack"), "custom": False}
PROVIDER: dict[str, Any] = {"urn": urn("default", "pulumi:providers:pulumi-python"), "custom": True, "id": "p"}
REFERENCE = f"{PROVIDER['urn']}::p"


def entry(name: str = "s1", **keys: Any) -> dict[str, Any]:
    own = {"urn": urn(name), "custom": True, "id": f"id-{name}", "type": THING, "parent": ROOT["urn"]}
    return {**own, "provider": REFERENCE, **keys}


@each_row(
    "resources",
    [
        [],
        [ROOT],
        [ROOT, PROVIDER, entry(), entry("s2", dependencies=[urn("s1")])],
        [ROOT, PROVIDER, entry(), entry(delete=True, id="old"), entry(delete=True, id="older")],
        [ROOT, PROVIDER, entry(delete=True), entry("s2", dependencies=[urn("s1")])],
        [ROOT, PROVIDER, entry(dependencies=None, inputs=None, parent=None, provider=None)],
        [ROOT, PROVIDER, entry(parent=None, provider=""), entry("s2", zzz=1)],
    ],
)
def test_sound(resources: list[Any]) -> None:
    pending = [{"resource": entry(id=None, provider="gone::x"), "type": "creating"}]
    parse(document(resources=resources, pending_operations=pending))


@each_row(
    ("resources", "fault"),
    [
        ([3], "a resource without a URN"),
        ([{"urn": 3}], "a resource without a URN"),
        ([{"urn": "urn:pulumi:dev::sample::x"}], "a resource without a URN"),
        ([ROOT, ROOT], r"sample-dev is listed twice"),
        ([ROOT, PROVIDER, entry(), entry(id="2")], "s1 is listed twice"),
        ([ROOT, PROVIDER, entry(id="")], "s1 has no id"),
        ([ROOT, PROVIDER, entry(id=None)], "s1 has no id"),
        ([{**ROOT, "id": "x"}], "sample-dev is a component and has an id"),
        ([PROVIDER, entry()], "s1 refers to .*sample-dev, which does not stand before it"),
        ([PROVIDER, entry(), ROOT], "s1 refers to .*sample-dev, which does not stand before it"),
        ([ROOT, entry()], "s1 refers to .*default, which does not stand before it"),
        ([ROOT, entry(), PROVIDER], "s1 refers to .*default, which does not stand before it"),
        ([ROOT, {**PROVIDER, "id": "q"}, entry()], "s1 refers to default by an id it does not have"),
        (
            [ROOT, PROVIDER, entry(dependencies=[urn("s2")])],
            "s1 refers to .*s2, which does not stand before it",
        ),
        (
            [ROOT, PROVIDER, entry(dependencies=[urn("s1")])],
            "s1 refers to .*s1, which does not stand before it",
        ),
        ([ROOT, PROVIDER, entry(inputs=["a"])], "`inputs` of .*s1 is not what it must be"),
        ([ROOT, PROVIDER, entry(outputs="a")], "`outputs` of .*s1 is not what it must be"),
        ([ROOT, PROVIDER, entry(dependencies="a")], "`dependencies` of .*s1 is not what it must be"),
        ([ROOT, PROVIDER, entry(dependencies=[[]])], "`dependencies` of .*s1 is not what it must be"),
        (
            [ROOT, PROVIDER, entry(propertyDependencies={"a": 1.5})],
            "`propertyDependencies` of .* is not what it must be",
        ),
        (
            [ROOT, PROVIDER, entry(propertyDependencies={"a": [{}]})],
            "`propertyDependencies` of .* is not what it must be",
        ),
        ([ROOT, PROVIDER, entry(aliases={"a": 1})], "`aliases` of .*s1 is not what it must be"),
        ([ROOT, PROVIDER, entry(deletedWith=["a"])], "`deletedWith` of .*s1 is not what it must be"),
        ([ROOT, PROVIDER, entry(provider=3)], "`provider` of .*s1 is not what it must be"),
        ([ROOT, PROVIDER, entry(id=3)], "`id` of .*s1 is not what it must be"),
    ],
)
def test_faults(resources: list[Any], fault: str) -> None:
    with pytest.raises(StateError, match=rf"^dev\.json: .*{fault}; restore the file from dev\.json\.bak$"):
        parse(document(resources=resources))


@each_row(
    ("operation", "fault"),
    [
        (3, "a pending operation without a type"),
        ({"resource": entry()}, "a pending operation without a type"),
        ({"type": "creating"}, "a resource without a URN"),
        ({"type": "creating", "resource": entry(inputs=3)}, "`inputs` of"),
    ],
)
def test_faults_of_pending_operations(operation: Any, fault: str) -> None:
    with pytest.raises(StateError, match=fault):
        parse(document(pending_operations=[operation]))


@pytest.mark.parametrize("value", [None, []])
def test_no_entries(value: Any) -> None:
    assert parse(document(resources=value, pending_operations=value)) == SealedCheckpoint()


@each_row("value", [{}, {"urn": 1}, "text", 3, False])
def test_entries_that_are_no_list(value: Any) -> None:
    with pytest.raises(StateError, match=r"^dev\.json: a list was expected where resources are"):
        parse(document(resources=value))
