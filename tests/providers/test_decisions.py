from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.output import Unknown
from pulumi.runtime.rpc import UNKNOWN

from tests.tables import each_row
from voiceid_optout.providers.decisions import (
    INPUTS,
    check,
    diff,
    is_unknown,
    outputs,
    released_resource_id,
    speaker_resource_id,
    timestamp,
)
from voiceid_optout.speakers import SpeakerStatus, is_as_asked, resource_id
from voiceid_optout.voiceid import Speaker

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
GENERATED = "id#AbCdEfGhIjKlMnOpQrStUv"
NOW = datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)
IN = {"domain_id": DOMAIN, "speaker_id": "planted-4711", "ensure": "opted_out"}
OUT = {**IN, "status": "OPTED_OUT"}
SPEAKER = Speaker(DOMAIN, "planted-4711", GENERATED, SpeakerStatus.ENROLLED, NOW.timestamp(), NOW.timestamp())


def unknown() -> Unknown:
    return object.__new__(Unknown)


UNKNOWNS: list[Any] = [unknown(), UNKNOWN]


def test_check_keeps_the_inputs_alone_and_fills_in_ensure() -> None:
    news = {**IN, "ensure": None, "__provider": "x", "status": None}
    assert check(news) == (IN, [])


@each_row("speaker_id", ["a", "A" * 256, "caller_1-x", GENERATED])
def test_check_passes_what_the_api_passes(speaker_id: str) -> None:
    assert check({**IN, "speaker_id": speaker_id})[1] == []


@each_row(
    ("name", "value", "says"),
    [
        ("domain_id", "short", "22 letters"),
        ("domain_id", DOMAIN + "\n", "22 letters"),
        ("domain_id", None, "22 letters"),
        ("speaker_id", "", "1 to 256"),
        ("speaker_id", "A" * 257, "1 to 256"),
        ("speaker_id", "-planted", "1 to 256"),
        ("speaker_id", "planted@4711", "1 to 256"),
        ("speaker_id", "planted\n", "1 to 256"),
        ("speaker_id", "id#planted", "id# and 22"),
        ("speaker_id", 4711.0, "quotes"),
        ("speaker_id", None, "1 to 256"),
        ("ensure", "gone", "opted_out or released"),
    ],
)
def test_check_refuses(name: str, value: Any, says: str) -> None:
    _, [failure] = check({**IN, name: value})
    assert failure.property == name
    assert says in failure.reason
    assert "planted" not in failure.reason


def test_check_lets_pass_what_a_preview_does_not_know() -> None:
    assert check({"domain_id": unknown(), "speaker_id": UNKNOWN, "ensure": unknown()})[1] == []


def test_no_change() -> None:
    news = {**IN, "__provider": "another pickle of the same"}
    assert diff({**OUT, "__provider": "x"}, news) == diff(OUT, IN)
    assert not diff(OUT, IN).changes


@each_row("status", ["ENROLLED", "EXPIRED", "PENDING", None, "NEW_ONE"])
def test_drift_of_somebody_opted_out_is_a_change_and_no_replacement(status: str | None) -> None:
    verdict = diff({**OUT, "status": status}, IN)
    assert verdict.changes
    assert verdict.replaces == ()


@each_row(("status", "changes"), [(None, False), ("", False), ("ENROLLED", True), ("OPTED_OUT", True)])
def test_somebody_released_must_be_absent(status: str | None, changes: bool) -> None:
    released = {**IN, "ensure": "released"}
    assert diff({**released, "status": status}, released).changes is changes


def test_release_is_an_update() -> None:
    verdict = diff(OUT, {**IN, "ensure": "released"})
    assert (verdict.changes, verdict.replaces) == (True, ())


@pytest.mark.parametrize(("name", "value"), [("domain_id", "x" * 22), ("speaker_id", "other")])
def test_another_person_is_a_replacement(name: str, value: str) -> None:
    verdict = diff(OUT, {**IN, name: value})
    assert (verdict.changes, verdict.replaces) == (True, (name,))


@each_row("name", INPUTS)
@each_row("value", UNKNOWNS)
def test_an_unknown_input_is_a_change_and_never_a_replacement(name: str, value: Any) -> None:
    verdict = diff(OUT, {**IN, name: value})
    assert (verdict.changes, verdict.replaces) == (True, ())


def test_a_dropped_ensure_is_the_default() -> None:
    assert not diff({k: v for k, v in OUT.items() if k != "ensure"}, IN).changes


def test_numbers_that_passed_the_engine() -> None:
    assert not diff({**OUT, "speaker_id": 4711.0}, {**IN, "speaker_id": 4711}).changes


@given(
    st.sampled_from(["opted_out", "released"]),
    st.none() | st.sampled_from([status.value for status in SpeakerStatus]),
)
def test_what_we_wrote_is_no_change_if_it_is_as_asked(ensure: str, status: str | None) -> None:
    wanted = {**IN, "ensure": ensure}
    assert diff({**wanted, "status": status}, wanted).changes is not is_as_asked(ensure, status)


def test_outputs_hold_no_more_than_needed() -> None:
    props = {**IN, "__provider": "x", "reason": "none of the state's business"}
    assert outputs(props, None) == IN
    assert outputs(props, SPEAKER, "2026") == {
        **IN,
        "status": "ENROLLED",
        "opted_out_at": "2026",
    }


def test_ids_do_not_identify() -> None:
    assert speaker_resource_id(SPEAKER) == resource_id(DOMAIN, GENERATED)
    unkeyed, keyed = (released_resource_id(key, DOMAIN, "planted-4711") for key in (None, "hush"))
    assert unkeyed != keyed
    assert keyed.startswith(f"{DOMAIN}/released/sp-")
    assert "planted" not in unkeyed + keyed


def test_moment_is_utc() -> None:
    assert timestamp(NOW.astimezone(timezone(timedelta(hours=2)))) == "2026-03-02T10:00:00.123Z"


def test_ordinary_values_are_known() -> None:
    assert not any(is_unknown(value) for value in ("x", None, 1.0, ["x"]))
