import logging
import traceback
from typing import Any

import pytest
from pulumi.dynamic import Config, ConfigureRequest

from tests.providers.fixtures import PROJECT, Configured, stack_config
from tests.voiceid.faults import ANSWERS, PLANTED
from tests.voiceid.fixtures import Serve
from tests.voiceid.live import Live
from tests.voiceid.scripted import DOMAIN
from voiceid_optout.providers.opted_out_speaker import OptedOutSpeakerProvider
from voiceid_optout.providers.plugin import OptOutFailed
from voiceid_optout.speakers import SpeakerStatus, resource_id
from voiceid_optout.voiceid.client import Client

Props = dict[str, Any]


@pytest.fixture
def provider(configured: Configured, live: Live) -> OptedOutSpeakerProvider:
    return configured(live.running.url)


@pytest.fixture
def person(domain: str) -> Props:
    return {"domain_id": domain, "speaker_id": "caller-1", "ensure": "opted_out"}


@pytest.fixture
def released(person: Props) -> Props:
    return {**person, "ensure": "released"}


def test_create_opts_out(provider: OptedOutSpeakerProvider, client: Client, person: Props) -> None:
    result = provider.create(person)
    found = client.describe(person["domain_id"], "caller-1")
    assert found is not None
    assert found.status is SpeakerStatus.OPTED_OUT
    assert result.id == resource_id(person["domain_id"], found.generated_speaker_id)
    assert result.outs is not None
    assert set(result.outs) == {*person, "status", "opted_out_at"}
    assert result.outs["opted_out_at"].endswith("Z")


def test_create_adopts_somebody_opted_out_already(provider: OptedOutSpeakerProvider, person: Props) -> None:
    assert provider.create(person).id == provider.create(person).id


def test_create_releases(provider: OptedOutSpeakerProvider, client: Client, released: Props) -> None:
    client.opt_out(released["domain_id"], "caller-1")
    result = provider.create(released)
    assert client.describe(released["domain_id"], "caller-1") is None
    assert result.outs == released
    assert result.id.startswith(f"{released['domain_id']}/released/sp-")


def test_create_releases_somebody_unknown(provider: OptedOutSpeakerProvider, released: Props) -> None:
    assert provider.create(released).outs == released


def test_update_repairs(provider: OptedOutSpeakerProvider, live: Live, person: Props) -> None:
    created = provider.create(person)
    live.seed(person["domain_id"], "caller-1", "ENROLLED", recreate=True)
    assert created.outs is not None
    outs = provider.update(created.id, created.outs, person).outs
    assert outs is not None
    assert outs["status"] == "OPTED_OUT"


def test_update_releases(provider: OptedOutSpeakerProvider, person: Props, released: Props) -> None:
    created = provider.create(person)
    assert created.outs is not None
    assert provider.update(created.id, created.outs, released).outs == released


def test_read_finds_nothing_new(provider: OptedOutSpeakerProvider, person: Props) -> None:
    created = provider.create(person)
    assert created.outs is not None
    read = provider.read(created.id, {**created.outs, "__provider": "x"})
    assert (read.id, read.outs, read.inputs) == (created.id, created.outs, person)


@pytest.mark.parametrize("status", ["ENROLLED", "EXPIRED", "PENDING"])
def test_drift_is_read_and_is_a_change(
    configured: Configured, live: Live, client: Client, person: Props, status: str
) -> None:
    created = configured(live.running.url).create(person)
    live.seed(person["domain_id"], "caller-1", status, recreate=True)
    later = configured(live.running.url)
    assert created.outs is not None
    read = later.read(created.id, created.outs)
    assert read.outs is not None
    assert read.outs["status"] == status
    assert read.outs["opted_out_at"] == created.outs["opted_out_at"]
    found = client.describe(person["domain_id"], "caller-1")
    assert found is not None
    assert read.id == resource_id(person["domain_id"], found.generated_speaker_id) != created.id
    assert later.diff(str(read.id), read.outs, person).changes


def test_a_read_mends_what_a_state_of_before_has_in_clear(
    provider: OptedOutSpeakerProvider, client: Client, person: Props
) -> None:
    created = provider.create(person)
    found = client.describe(person["domain_id"], "caller-1")
    assert found is not None
    assert created.outs is not None
    old = {**created.outs, "generated_speaker_id": found.generated_speaker_id}
    read = provider.read(f"{person['domain_id']}/{found.generated_speaker_id}", old)
    assert (read.id, read.outs, read.inputs) == (created.id, created.outs, person)
    assert not provider.diff(str(read.id), old, person).changes


def test_nobody_is_imported_by_id(provider: OptedOutSpeakerProvider) -> None:
    with pytest.raises(OptOutFailed, match=r"^nobody can be imported by id: `optout adopt`"):
        provider.read("UcUuCPFOsAjzg9xoByUatN/id#AbCdEfGhIjKlMnOpQrStUv", {})


def test_somebody_gone_is_gone(provider: OptedOutSpeakerProvider, person: Props) -> None:
    read = provider.read("x", {**person, "status": "OPTED_OUT"})
    assert (read.id, read.outs) == ("", {})


def test_somebody_released_stays_and_is_no_change(provider: OptedOutSpeakerProvider, released: Props) -> None:
    created = provider.create(released)
    read = provider.read(created.id, released)
    assert (read.id, read.outs, read.inputs) == (created.id, released, released)
    assert not provider.diff(created.id, released, released).changes


def test_somebody_released_who_is_back_is_drift(
    provider: OptedOutSpeakerProvider, live: Live, released: Props
) -> None:
    live.seed(released["domain_id"], "caller-1", "ENROLLED")
    read = provider.read("keeps-its-id", released)
    assert read.id == "keeps-its-id"
    assert read.outs is not None
    assert provider.diff(read.id, read.outs, released).changes


def test_delete_calls_nobody(configured: Configured, closed_port: str, person: Props) -> None:
    configured(closed_port).delete("x", person)


def test_check_and_diff_call_nobody(configured: Configured, closed_port: str, person: Props) -> None:
    provider = configured(closed_port)
    assert provider.check({}, person).failures == []
    [failure] = provider.check({}, {**person, "speaker_id": "!"}).failures
    assert not failure.property  # the CLI would print its value
    assert provider.diff("x", person, person).changes
    assert provider.diff("x", person, {**person, "speaker_id": "other"}).replaces == ["speaker_id"]


def test_environment_wins_over_config(
    configured: Configured, live: Live, closed_port: str, person: Props, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_VOICE_ID", live.running.url)
    assert configured(closed_port).create(person).outs


def test_the_label_key_makes_the_id_of_somebody_released(
    configured: Configured, live: Live, released: Props
) -> None:
    ids = {configured(live.running.url, **more).create(released).id for more in ({}, {"labelKey": "hush"})}
    assert len(ids) == 2


def test_config_that_is_wrong() -> None:
    config = stack_config("http://127.0.0.1:1", quotas="many")
    with pytest.raises(OptOutFailed, match="voiceid-optout:quotas is not an object"):
        OptedOutSpeakerProvider().configure(ConfigureRequest(Config(config, PROJECT)))


def test_config_that_is_missing() -> None:
    with pytest.raises(OptOutFailed, match="no region"):
        OptedOutSpeakerProvider().configure(ConfigureRequest(Config({}, PROJECT)))


@pytest.mark.parametrize("case", [*ANSWERS, "nobody listens"])
@pytest.mark.parametrize("call", ["create", "update", "read"])
def test_no_identifier_leaves_by_an_error(
    case: str,
    call: str,
    configured: Configured,
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
    provider = configured(url)
    props = {"domain_id": DOMAIN, "speaker_id": PLANTED, "ensure": "opted_out"}
    arguments = {"create": (props,), "update": ("x", props, props), "read": ("x", props)}[call]
    if (case, call) == ("speaker", "read"):
        assert provider.read("x", props).id == ""
        return
    with pytest.raises(OptOutFailed) as caught:
        getattr(provider, call)(*arguments)
    text = "".join(traceback.format_exception(caught.value))
    assert text.splitlines()[-1].startswith("OptOutFailed: Voice ID at http://127.0.0.1:")
    streams = capfd.readouterr()
    assert PLANTED not in text + caplog.text + streams.out + streams.err
