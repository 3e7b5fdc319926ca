"""The provider of shards on the project's own service, and on scripted ones where ours has no hook."""

import logging
import threading
import traceback
from typing import Any

import pytest
from pulumi.dynamic import Config, ConfigureRequest

from tests.providers.fixtures import PROJECT, ConfiguredShards, stack_config
from tests.providers.shards import OPTED_OUT, RELEASED, inputs, name, opted_out, without
from tests.voiceid.faults import ANSWERS, PLANTED
from tests.voiceid.fixtures import Serve
from tests.voiceid.live import Live
from tests.voiceid.scripted import DOMAIN, Answer, failure, speaker, summary
from voiceid_optout import speakers
from voiceid_optout.providers.opted_out_speakers import OptedOutSpeakersProvider
from voiceid_optout.providers.plugin import OptOutFailed
from voiceid_optout.voiceid.client import Client

NOT_FOUND = failure("ResourceNotFoundException", ResourceType="SPEAKER")
EMPTY = Answer({"SpeakerSummaries": []})


@pytest.fixture
def provider(configured_shards: ConfiguredShards, live: Live) -> OptedOutSpeakersProvider:
    return configured_shards(live.running.url)


def statuses(client: Client, domain: str) -> dict[str, str]:
    return {str(one.customer_speaker_id): one.status.value for page in client.list_pages(domain) for one in page}


def created(provider: OptedOutSpeakersProvider, props: dict[str, Any]) -> dict[str, Any]:
    outs = provider.create(props).outs
    assert outs is not None
    return outs


def updated(provider: OptedOutSpeakersProvider, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    outs = provider.update("x", olds, news).outs
    assert outs is not None
    return outs


def read(provider: OptedOutSpeakersProvider, outs: dict[str, Any]) -> dict[str, Any]:
    """Read a shard, which keeps its id and its inputs whatever is found."""
    found = provider.read("its id", outs)
    assert found.outs is not None
    assert found.id == "its id"
    assert found.inputs == {key: value for key, value in outs.items() if key != "drifted"}
    return {**found.outs}


def test_create_opts_out_and_releases(provider: OptedOutSpeakersProvider, client: Client, domain: str) -> None:
    client.opt_out(domain, "back")
    props = inputs(domain, {"one": OPTED_OUT, "back": RELEASED, "two": OPTED_OUT, "never": RELEASED})
    result = provider.create(props)
    assert statuses(client, domain) == {"one": "OPTED_OUT", "two": "OPTED_OUT"}
    assert result.id == f"{domain}/a7"
    assert result.outs == {**props, "drifted": ""}


def test_create_changes_nothing_for_those_who_are_settled(
    provider: OptedOutSpeakersProvider, client: Client, domain: str
) -> None:
    people = [f"caller-{number}" for number in range(150)]
    for person in people[:120]:
        client.opt_out(domain, person)
    before = [one for page in client.list_pages(domain) for one in page]
    assert created(provider, opted_out(domain, *people))["drifted"] == ""
    after = [one for page in client.list_pages(domain) for one in page]
    assert [found for found in after if found.customer_speaker_id in people[:120]] == before
    assert len(after) == 150


def test_update_calls_for_those_who_changed_and_for_nobody_else(
    provider: OptedOutSpeakersProvider, client: Client, live: Live, domain: str
) -> None:
    outs = created(provider, opted_out(domain, "one", "two", "leaving"))
    live.seed(domain, "one", "ENROLLED")  # drift that no read has found: not this update's business
    news = inputs(domain, {"one": OPTED_OUT, "two": RELEASED, "gone": OPTED_OUT, "new": OPTED_OUT})
    news = without(news, 2)
    assert updated(provider, outs, news) == {**news, "drifted": ""}
    assert statuses(client, domain) == {"one": "ENROLLED", "leaving": "OPTED_OUT", "new": "OPTED_OUT"}


def test_somebody_taken_from_the_list_is_only_forgotten(
    provider: OptedOutSpeakersProvider, configured_shards: ConfiguredShards, closed_port: str, domain: str
) -> None:
    outs = created(provider, opted_out(domain, "one", "two"))
    news = without(outs, 1)
    elsewhere = configured_shards(closed_port)
    assert elsewhere.diff("x", outs, news).changes
    assert updated(elsewhere, outs, news) == {**news, "drifted": ""}
    empty = without(outs, 0, 1)
    assert updated(elsewhere, outs, empty) == {"domain_id": domain, "members": "", "speaker_ids": "", "drifted": ""}


def test_update_repairs_what_a_read_has_found(
    provider: OptedOutSpeakersProvider,
    configured_shards: ConfiguredShards,
    client: Client,
    live: Live,
    domain: str,
) -> None:
    people = {f"caller-{number}": OPTED_OUT for number in range(20)} | {"released": RELEASED}
    outs = created(provider, inputs(domain, people))
    live.seed(domain, "caller-1", "ENROLLED")
    live.seed(domain, "caller-2", "EXPIRED", recreate=True)
    live.seed(domain, "caller-3", "PENDING")
    live.seed(domain, "released", "ENROLLED")
    client.delete(domain, "caller-4")
    later = configured_shards(live.running.url)
    found = read(later, outs)
    assert speakers.shard_values(found["drifted"]) == {
        name(1): "ENROLLED",
        name(2): "EXPIRED",
        name(3): "PENDING",
        name(4): "gone",
        name(20): "ENROLLED",
    }
    difference = later.diff("x", found, inputs(domain, people))
    assert (difference.changes, difference.replaces) == (True, None)
    assert updated(later, found, inputs(domain, people)) == outs
    assert statuses(client, domain) == {f"caller-{number}": "OPTED_OUT" for number in range(20)}
    assert read(later, outs)["drifted"] == ""


def test_a_read_of_what_is_well_is_no_change(
    provider: OptedOutSpeakersProvider, configured_shards: ConfiguredShards, live: Live, domain: str
) -> None:
    props = opted_out(domain, *(f"caller-{number}" for number in range(300)))
    outs = created(provider, props)
    later = configured_shards(live.running.url)
    assert read(later, outs) == outs
    assert not later.diff("x", outs, props).changes


def test_many_reads_are_a_few_pages(configured_shards: ConfiguredShards, serve: Serve) -> None:
    people = [f"caller-{number}" for number in range(90)]
    pages = threading.Event()

    def script(operation: str, body: dict[str, Any]) -> Answer:
        if operation == "ListSpeakers":
            pages.set()
            return Answer({"SpeakerSummaries": [summary(person, f"id#{person:0>22}") for person in people]})
        assert pages.wait(600)
        return speaker(body["SpeakerId"])

    server = serve(script)
    provider = configured_shards(server.url, quotas='{"describe": 1, "list": 10}')
    assert read(provider, {**opted_out(DOMAIN, *people), "drifted": ""})["drifted"] == ""
    assert server.operations().count("ListSpeakers") == 1
    assert len(server.calls) < 10


def test_a_shard_without_people_is_read(configured_shards: ConfiguredShards, closed_port: str) -> None:
    outs = {**opted_out(DOMAIN), "drifted": ""}
    assert read(configured_shards(closed_port), outs) == outs


def test_delete_check_and_diff_call_nobody(configured_shards: ConfiguredShards, closed_port: str) -> None:
    provider = configured_shards(closed_port)
    props = opted_out(DOMAIN, "one")
    provider.delete("x", {**props, "drifted": ""})
    assert provider.check({}, props).failures == []
    [refused] = provider.check({}, {**props, "members": "one"}).failures
    assert not refused.property  # the CLI would print its value
    assert not provider.diff("x", {**props, "drifted": ""}, props).changes


def test_what_was_done_before_a_failure_stays_and_the_rest_is_counted(
    configured_shards: ConfiguredShards, serve: Serve
) -> None:
    room = threading.Semaphore(30)
    known: set[str] = set()

    def script(operation: str, body: dict[str, Any]) -> Answer:
        if operation == "ListSpeakers":
            return EMPTY
        if body["SpeakerId"] not in known and not room.acquire(blocking=False):
            return failure("ServiceQuotaExceededException")
        known.add(body["SpeakerId"])
        return speaker(body["SpeakerId"])

    server = serve(script)
    props = opted_out(DOMAIN, *(f"caller-{number}" for number in range(100)))
    with pytest.raises(OptOutFailed) as caught:
        configured_shards(server.url).create(props)
    assert len(known) == 30
    assert str(caught.value).endswith(
        "is full, so OptOutSpeaker is refused: raise its quota of speakers "
        "(70 of 100 people of this shard are left)"
    )
    for _ in range(70):
        room.release()
    assert created(configured_shards(server.url), props)["drifted"] == ""
    assert len(known) == 100


def test_somebody_refused_stops_nobody_else_and_is_named_by_label(
    configured_shards: ConfiguredShards, serve: Serve
) -> None:
    calls: list[str] = []

    def script(operation: str, body: dict[str, Any]) -> Answer:
        if operation == "ListSpeakers":
            return EMPTY
        calls.append(body["SpeakerId"])
        return NOT_FOUND if body["SpeakerId"].startswith("id#") else speaker(body["SpeakerId"])

    people = ["one", f"id#{'a' * 22}", "two", f"id#{'b' * 22}", "three"]
    with pytest.raises(OptOutFailed) as caught:
        configured_shards(serve(script).url).create(opted_out(DOMAIN, *people))
    assert sorted(calls) == sorted(people)
    assert str(caught.value).startswith(f"{name(1)}, {name(3)}: Voice ID at ")
    assert str(caught.value).endswith("(2 of 5 people of this shard are left)")


def test_labels_are_left_out_when_they_are_many(configured_shards: ConfiguredShards, serve: Serve) -> None:
    server = serve(lambda operation, _: EMPTY if operation == "ListSpeakers" else NOT_FOUND)
    people = [f"id#{number:022}" for number in range(4)]
    with pytest.raises(OptOutFailed) as caught:
        configured_shards(server.url).create(opted_out(DOMAIN, *people))
    assert str(caught.value).startswith("Voice ID at ")
    assert str(caught.value).endswith("(4 of 4 people of this shard are left)")


def test_a_status_that_a_write_does_not_change_is_drift(configured_shards: ConfiguredShards, serve: Serve) -> None:
    server = serve(lambda _, body: speaker(body["SpeakerId"], status="PENDING"))
    props = opted_out(DOMAIN, "one")
    outs = created(configured_shards(server.url), props)
    assert outs["drifted"] == f"{name(0)} PENDING\n"
    assert configured_shards(server.url).diff("x", outs, props).changes


def test_config_that_is_wrong() -> None:
    config = stack_config("http://127.0.0.1:1", quotas="many")
    with pytest.raises(OptOutFailed, match="quotas is not an object"):
        OptedOutSpeakersProvider().configure(ConfigureRequest(Config(config, PROJECT)))


@pytest.mark.parametrize("case", [*ANSWERS, "nobody listens"])
@pytest.mark.parametrize("call", ["create", "update", "read"])
def test_no_identifier_leaves_by_an_error(
    case: str,
    call: str,
    configured_shards: ConfiguredShards,
    serve: Serve,
    closed_port: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("voiceid_optout.voiceid.pacing.CONFLICT_TRIES", 2)
    monkeypatch.setattr("voiceid_optout.voiceid.pacing.THROTTLE_TRIES", 2)
    url = closed_port if case not in ANSWERS else serve(lambda *_: ANSWERS[case][0]).url
    provider = configured_shards(url)
    props = opted_out(DOMAIN, PLANTED)
    nobody = {**opted_out(DOMAIN), "drifted": ""}
    arguments: tuple[Any, ...] = {"create": (props,), "update": ("x", nobody, props), "read": ("x", props)}[call]
    if (case, call) == ("speaker", "read"):
        assert speakers.shard_values(read(provider, {**props, "drifted": ""})["drifted"]) == {name(0): "gone"}
        return
    with pytest.raises(OptOutFailed) as caught:
        getattr(provider, call)(*arguments)
    text = "".join(traceback.format_exception(caught.value))
    assert f"Voice ID at {url}" in text.splitlines()[-1]
    assert text.splitlines()[-1].startswith("OptOutFailed: ")
    streams = capfd.readouterr()
    assert PLANTED not in text + caplog.text + streams.out + streams.err
