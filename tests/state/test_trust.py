from __future__ import annotations

import base64
import json
import pickle
from typing import TYPE_CHECKING, Any

import dill
import pytest

from tests.tables import each_row
from voiceid_optout.providers import provider_reference
from voiceid_optout.providers.opted_out_speaker import OptedOutSpeakerProvider
from voiceid_optout.providers.opted_out_speakers import OptedOutSpeakersProvider
from voiceid_optout.speakers import SHARD_TYPE, SPEAKER_TYPE
from voiceid_optout.state import StateError, UntrustedStateError
from voiceid_optout.state.trust import IDENTIFIERS, OURS, Inspection, Named, latest, require, shown

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES: list[Any] = [OptedOutSpeakerProvider, OptedOutSpeakersProvider]
LABEL = "sp-0123456789abcdef"
URN = f"urn:pulumi:dev::p::pulumi-python:dynamic/voiceid:OptedOutSpeaker::{LABEL}"


class TestOurs:
    @pytest.mark.parametrize("class_", CLASSES)
    def test_what_our_classes_give_today(self, class_: Any) -> None:
        assert provider_reference(class_) in OURS

    @each_row("class_", CLASSES)
    @each_row("protocol", [4, 5])
    def test_what_they_give_under_each_python(self, class_: Any, protocol: int) -> None:
        """3.14 has made 5 the default."""
        text = base64.b64encode(dill.dumps(class_(), protocol=protocol, recurse=True)).decode()
        assert text in OURS

    def test_a_class_of_the_same_name_in_another_package_is_not(self) -> None:
        """A folder `providers` may be anybody's, and a state that names it would run what lies there."""
        text = (
            "gASVPgAAAAAAAACMG3Byb3ZpZGVycy5vcHRlZF9vdXRfc3BlYWtlcpSMF09wdGVkT3V0U3BlYWtlclByb3ZpZGVylJOUKYGULg=="
        )
        assert b"\x1bproviders.opted_out_speaker" in base64.b64decode(text)
        with pytest.raises(UntrustedStateError, match="not ours"):
            require([Named(URN, text)], "here", None)

    def test_each_is_one_of_our_classes(self) -> None:
        assert {type(pickle.loads(base64.b64decode(text))) for text in OURS} == set(CLASSES)
        assert len(OURS) == 4

    def test_the_types_are_those_of_the_resources(self) -> None:
        assert set(IDENTIFIERS) == {SPEAKER_TYPE, SHARD_TYPE}


class TestRequire:
    def test_ours_asks_nobody(self) -> None:
        def never() -> frozenset[str]:
            raise AssertionError

        require([Named(URN, text) for text in OURS], "here", never)

    def test_what_the_program_sends(self) -> None:
        require([Named(URN, "x")], "here", lambda: {"x"})
        with pytest.raises(UntrustedStateError, match="not ours, nor what the program sends"):
            require([Named(URN, "y")], "here", lambda: {"x"})

    @each_row("text", ["", "x", None, 1, ["x"], {"a": "b"}, f"{min(OURS)}\n", min(OURS).rstrip("=")])
    def test_anything_else(self, text: Any) -> None:
        with pytest.raises(UntrustedStateError, match=r"a provider that is not ours, for urn:.*--trust-state"):
            require([Named(URN, text)], "here", None)

    def test_many_are_counted(self) -> None:
        many = [Named(f"{URN[:-1]}{digit}", "x") for digit in "01234567"]
        with pytest.raises(UntrustedStateError, match=r"0123456789abcde2 and 5 more\. It is code"):
            require([*many, *many], "here", None)


@each_row(
    ("urn", "text"),
    [
        (URN, URN),
        (URN.replace(LABEL, f"{'a' * 22}-0f"), URN.replace(LABEL, f"{'a' * 22}-0f")),
        (URN.replace(LABEL, "maria"), "a resource of type pulumi-python:dynamic/voiceid:OptedOutSpeaker"),
        (
            URN.replace(LABEL, f"{LABEL}\n::add-mask::x"),
            "a resource of type pulumi-python:dynamic/voiceid:OptedOutSpeaker",
        ),
        ("\x1b[2J", "a resource without a URN"),
        ("urn:pulumi:a::b::t\x1b[2J::maria", "a resource of type t[2J"),
    ],
)
def test_a_urn_is_shown_without_identifiers(urn: str, text: str) -> None:
    assert shown(urn) == text


def state(*resources: str) -> bytes:
    return f'{{"version":3,"checkpoint":{{"latest":{{"resources":[{",".join(resources)}]}}}}}}'.encode()


def named(text: bytes) -> list[tuple[str, Any]]:
    return [(item.urn, item.text) for item in Inspection.of(text, "here").named]


class TestInspection:
    @each_row(
        "parts",
        [
            '"outputs":{"__provider":"x"}',
            '"OUTPUTS":{"__provider":"x"}',
            '"outputs":{"__provider":"x"},"outputs":{}',
            '"outputs":{"a":1,"\\u005f_provider":"x"}',
            '"inputs":{"a":{"b":[{"__provider":"x"}]}}',
        ],
    )
    def test_a_provider_is_found_wherever_another_reader_would_find_it(self, parts: str) -> None:
        assert named(state(f'{{"urn":"{URN}",{parts}}}')) == [(URN, "x")]
        assert named(state(f'{{{parts},"urn":"{URN}"}}')) == [(URN, "x")]

    def test_said_twice(self) -> None:
        text = state(f'{{"urn":"{URN}","inputs":{{"__provider":"x","__provider":"y"}}}}')
        assert named(text) == [(URN, "x"), (URN, "y")]

    def test_what_the_property_depends_on(self) -> None:
        assert named(state(f'{{"urn":"{URN}","propertyDependencies":{{"__provider":[]}}}}')) == []

    def test_without_a_urn(self) -> None:
        assert named(b'{"outputs":{"__provider":"x"}}') == [("", "x")]

    def test_each_has_its_own_resource(self) -> None:
        one, other = URN, URN.replace(LABEL, "b")
        text = state(*(f'{{"urn":"{urn}","inputs":{{"__provider":"{urn[-1]}"}}}}' for urn in (one, other)))
        assert named(text) == [(one, "f"), (other, "b")]

    def test_identifiers_in_clear(self) -> None:
        sealed = '{"4dabf18193072939515e22adb298388d":"1b47061264138c4ac30d75fd1eb44270","ciphertext":"v1"}'
        inputs = [f'{{"__provider":"x","speaker_id":{value}}}' for value in (sealed, '"caller-1"')]
        parts = [f'{{"urn":"{URN}","inputs":{each}}}' for each in inputs]
        assert Inspection.of(state(parts[0]), "here").clear.total() == 0
        assert Inspection.of(state(*parts), "here").clear == {"speaker_id": 1}

    @pytest.mark.parametrize(
        "wrap", [lambda latest: {"checkpoint": {"latest": latest}}, lambda latest: {"deployment": latest}]
    )
    def test_the_salt_of_a_state_and_of_an_export(self, wrap: Callable[[Any], Any]) -> None:
        document = wrap({"secrets_providers": {"type": "passphrase", "state": {"salt": "v1:x"}}})
        assert Inspection.of(json.dumps(document).encode(), "here").salt == "v1:x"

    @each_row("document", [[], {"checkpoint": 1}, {"checkpoint": {"latest": {"secrets_providers": {"state": 1}}}}])
    def test_no_salt(self, document: Any) -> None:
        assert Inspection.of(json.dumps(document).encode(), "here").salt is None

    @each_row("text", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5_000])
    def test_no_json(self, text: bytes) -> None:
        with pytest.raises(StateError, match="the state in here is no JSON that can be read"):
            Inspection.of(text, "here")


class TestLatest:
    def test_of_a_file_and_of_an_export(self) -> None:
        assert latest({"version": 3, "checkpoint": {"latest": {"resources": []}}}) == {"resources": []}
        assert latest({"version": 3, "deployment": {"resources": []}}) == {"resources": []}

    @each_row("document", [{"checkpoint": {}}, {"checkpoint": {"latest": None}}, {"deployment": None}])
    def test_nothing_before_the_first_run(self, document: Any) -> None:
        assert latest(document) == {}

    @each_row("document", [[], {}, 1, None, {"checkpoint": 1}, {"deployment": "x"}])
    def test_no_state(self, document: Any) -> None:
        with pytest.raises(ValueError, match="no state"):
            latest(document)
