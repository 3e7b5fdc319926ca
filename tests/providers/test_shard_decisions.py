from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pulumi.output import Unknown
from pulumi.runtime.rpc import UNKNOWN

from tests.providers.shards import OPTED_OUT, RELEASED, inputs, name, opted_out, without
from tests.tables import each_row
from voiceid_optout.providers.decisions import (
    SHARD_INPUTS,
    Member,
    check_shard,
    drifted,
    is_member_as_asked,
    is_shard_changed,
    members,
    shard_inputs_of,
    shard_outputs,
    shard_resource_id,
    to_apply,
)
from voiceid_optout.speakers import SpeakerStatus
from voiceid_optout.voiceid import Speaker

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
NOW = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
IN = inputs(DOMAIN, {"planted-1": OPTED_OUT, "planted-2": RELEASED})
OUT = {**IN, "drifted": ""}
A, B = name(0), name(1)


def speaker(status: str) -> Speaker:
    return Speaker(DOMAIN, "planted", "id#AbCdEfGhIjKlMnOpQrStUv", SpeakerStatus(status), NOW, NOW)


def labels(found: list[Member]) -> list[str]:
    return [member.label for member in found]


def test_check_keeps_the_inputs_alone() -> None:
    assert check_shard({}, {**IN, "__provider": "x", "drifted": None}) == (IN, [])


def test_check_passes_a_shard_without_people() -> None:
    assert check_shard({}, {"domain_id": DOMAIN, "members": "", "speaker_ids": ""})[1] == []


@each_row(
    ("change", "property_", "says"),
    [
        ({"domain_id": "short"}, "domain_id", "22 letters"),
        ({"members": None}, "members", "a line a person"),
        ({"members": 7.0}, "members", "a line a person"),
        ({"digits": "a7f"}, "digits", "labels of members begin with"),
        ({"digits": 7.0}, "digits", "labels of members begin with"),
        ({"members": f"{A} opted_out\n{B} released"}, "members", "a line feed"),
        ({"members": f"{A} gone\n{B} released\n"}, "members", "opted_out or released"),
        ({"members": "planted-1 opted_out\n"}, "members", "a label"),
        ({"members": f"{B} opted_out\n{A} released\n"}, "members", "in their order"),
        ({"members": f"{A} opted_out\n{A} released\n"}, "members", "each label once"),
        ({"speaker_ids": None}, "speaker_ids", "a line a person"),
        ({"speaker_ids": 7.0}, "speaker_ids", "a line a person"),
        ({"speaker_ids": f"{A} planted-1\n{B} planted-2"}, "speaker_ids", "a line feed"),
        ({"speaker_ids": "planted-1\n"}, "speaker_ids", "a line a person"),
        ({"speaker_ids": f"{A} planted-1\n"}, "speaker_ids", "the same labels"),
        ({"speaker_ids": f"{B} planted-2\n{A} planted-1\n"}, "speaker_ids", "the same order"),
        ({"speaker_ids": f"{A} planted-1\n{B} planted@2\n"}, "speaker_ids", f"{B}: a speaker id is"),
        ({"speaker_ids": f"{A} planted-1\n{B} planted 2\n"}, "speaker_ids", f"{B}: a speaker id is"),
        ({"speaker_ids": f"{A} planted-1\n{B} \u2028\n"}, "speaker_ids", "a line a person"),
    ],
)
def test_check_refuses(change: dict[str, Any], property_: str, says: str) -> None:
    _, [failure] = check_shard({}, {**IN, **change})
    assert failure.property == property_
    assert says in failure.reason
    assert "planted" not in failure.reason


def test_check_looks_again_at_what_differs_from_the_state_alone() -> None:
    bad = {**IN, "speaker_ids": f"{A} planted-1\n{B} planted@2\n"}
    assert check_shard(OUT, IN) == (IN, [])
    for change in ({"domain_id": "t" * 22}, {"members": f"{A} released\n{B} released\n"}, {"digits": A[3:4]}):
        assert check_shard({**bad, **change}, bad)[1] != []
    assert check_shard({**bad, "drifted": ""}, bad) == (bad, [])
    assert check_shard({}, {"domain_id": DOMAIN})[1] != []


@each_row("unknown", [UNKNOWN, object.__new__(Unknown)])
@each_row("property_", SHARD_INPUTS)
def test_check_lets_pass_what_a_preview_does_not_know(property_: str, unknown: Any) -> None:
    assert check_shard({}, {**IN, property_: unknown})[1] == []


def test_no_change() -> None:
    assert not is_shard_changed({**OUT, "__provider": "x"}, {**IN, "__provider": "another pickle of the same"})


def test_texts_that_an_engine_drops_are_empty() -> None:
    empty = {"domain_id": DOMAIN, "members": "", "speaker_ids": ""}
    assert not is_shard_changed({"domain_id": DOMAIN}, empty)


@each_row("property_", SHARD_INPUTS)
def test_every_other_input_is_a_change(property_: str) -> None:
    assert is_shard_changed(OUT, {**IN, property_: "other"})


def test_drift_is_a_change() -> None:
    assert is_shard_changed({**OUT, "drifted": f"{A} ENROLLED\n"}, IN)


def test_members_have_label_id_and_what_is_asked() -> None:
    assert members(OUT) == [Member(A, "planted-1", OPTED_OUT), Member(B, "planted-2", RELEASED)]
    assert "planted" not in repr(members(OUT))


def test_nobody_is_due_when_nothing_changed() -> None:
    assert to_apply(OUT, IN) == []


def test_the_new_are_due_and_the_others_are_not() -> None:
    three = opted_out(DOMAIN, "one", "two", "three")
    assert labels(to_apply({**without(three, 1), "drifted": ""}, three)) == [name(1)]


def test_those_who_left_are_not_due() -> None:
    three = opted_out(DOMAIN, "one", "two", "three")
    assert to_apply({**three, "drifted": f"{name(1)} gone\n"}, without(three, 1)) == []


def test_another_wish_or_another_id_is_due() -> None:
    assert labels(to_apply(OUT, inputs(DOMAIN, {"planted-1": OPTED_OUT, "planted-2": OPTED_OUT}))) == [B]
    assert labels(to_apply(OUT, inputs(DOMAIN, {"other": OPTED_OUT, "planted-2": RELEASED}))) == [A]


def test_the_drifted_are_due() -> None:
    assert labels(to_apply({**OUT, "drifted": f"{B} ENROLLED\n"}, IN)) == [B]


def test_in_another_domain_everybody_is_due() -> None:
    assert labels(to_apply(OUT, {**IN, "domain_id": "x" * 22})) == [A, B]


PEOPLE = st.dictionaries(st.integers(0, 30).map(lambda n: f"caller-{n}"), st.sampled_from([OPTED_OUT, RELEASED]))


@given(PEOPLE, PEOPLE, st.sets(st.integers(0, 5)))
def test_due_is_what_differs_and_what_drifted(
    before: dict[str, str], after: dict[str, str], numbers: set[int]
) -> None:
    olds, news = inputs(DOMAIN, before), inputs(DOMAIN, after)
    text = "".join(f"{name(number)} ENROLLED\n" for number in sorted(numbers))
    wanted = set(members(news)) - set(members(olds))
    wanted |= {member for member in members(news) if member.label in {name(number) for number in numbers}}
    assert set(to_apply({**olds, "drifted": text}, news)) == wanted
    if members(news) == members(olds) and not numbers:
        assert not is_shard_changed({**olds, "drifted": text}, news)


def test_drifted_names_those_who_are_not_as_asked() -> None:
    one, two = members(IN)
    assert drifted([(one, speaker("OPTED_OUT")), (two, None)]) == ""
    assert drifted([(two, speaker("OPTED_OUT")), (one, None)]) == f"{A} gone\n{B} OPTED_OUT\n"
    assert drifted([(one, speaker("PENDING"))]) == f"{A} PENDING\n"
    assert is_member_as_asked(two, None)
    assert not is_member_as_asked(one, None)


def test_outputs_hold_no_more_than_needed() -> None:
    assert shard_outputs({**IN, "__provider": "x", "reason": "none of the state's business"}, "") == OUT
    assert shard_inputs_of(OUT) == IN


def test_the_id_names_domain_and_shard() -> None:
    assert shard_resource_id(IN) == f"{DOMAIN}/a7"
    assert shard_resource_id({"domain_id": DOMAIN, "members": ""}) == f"{DOMAIN}/nobody"
    assert shard_resource_id({**IN, "digits": A[3:6]}) == f"{DOMAIN}/{A[3:6]}"


def test_digits_are_kept_where_there_are_some() -> None:
    more = {**IN, "digits": A[3:6]}
    assert check_shard({}, more) == (more, [])
    assert shard_inputs_of(shard_outputs(more, "")) == more
