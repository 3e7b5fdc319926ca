from __future__ import annotations

import json
from pathlib import Path

import pytest
from pulumi.automation.events import DiagnosticEvent, EngineEvent

from tests.plan.streams import EmbeddedStream
from voiceid_optout import urn as urns
from voiceid_optout.cli.exit_codes import CommandError
from voiceid_optout.cli.run_events import ErrorPlaces, EventLog
from voiceid_optout.speakers import SPEAKER_TYPE

FULL = Path("/dev/full")  # takes nothing, as a full disk does


def events() -> list[EngineEvent]:
    stream = EmbeddedStream()
    stream.stack("create")
    stream.step("create", "sp-00000000000005a1")
    return stream.events


def test_an_event_is_a_line_that_the_automation_api_reads(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("what an earlier run left\n", encoding="utf-8")
    with EventLog(path) as log:
        for event in events():
            log.write(event)
    read = [EngineEvent.from_json(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [event.sequence for event in read] == [0, 1, 2, 3]
    assert read[2].resource_pre_event is not None
    assert read[2].resource_pre_event.metadata.urn.endswith("::sp-00000000000005a1")


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with EventLog(None) as log:
        log.write(events()[0])
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_opened_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"cannot write the event log .*: No such file or directory"):
        EventLog(tmp_path / "missing" / "events.jsonl").__enter__()


@pytest.mark.skipif(not FULL.exists(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("count", [1, 1000], ids=["at the end", "on the way"])
def test_a_full_disk_is_said_at_the_end(count: int) -> None:
    log, event = EventLog(FULL), events()[0]
    log.__enter__()
    for _ in range(count):
        log.write(event)
    with pytest.raises(CommandError, match="cannot write the event log /dev/full: No space left"):
        log.__exit__(None, None, None)


@pytest.mark.skipif(not FULL.exists(), reason="needs Linux's /dev/full")
def test_an_error_of_the_run_is_not_hidden_by_one_of_the_log() -> None:
    log = EventLog(FULL)
    log.__enter__()
    log.write(events()[0])
    log.__exit__(CommandError, CommandError("the run failed"), None)


PLACES = {"sp-1": "config/people.yaml:3", "sp-2": "config/people.yaml:9"}


def said(message: str, label: str, *, type_: str = SPEAKER_TYPE, severity: str = "error") -> DiagnosticEvent:
    return DiagnosticEvent(message, "never", severity, urn=urns.make("local", "voiceid-optout", "", type_, label))


def located(error: str, *events: DiagnosticEvent) -> str:
    places = ErrorPlaces(PLACES)
    for event in events:
        places.add(event)
    (line,) = places.located([error])
    return line


def test_one_person() -> None:
    assert located("no such speaker", said("no such speaker\n", "sp-2")) == "config/people.yaml:9: no such speaker"


def test_a_few_people_in_the_order_of_places() -> None:
    events = [said("no such speaker", "sp-2"), said("no such speaker", "sp-1")]
    line = located("no such speaker (2 times)", *events)
    assert line == "config/people.yaml:3, config/people.yaml:9: no such speaker (2 times)"


def test_somebody_who_is_no_longer_listed_is_named_by_label() -> None:
    assert located("throttled", said("throttled", "sp-9")) == "sp-9: throttled"


@pytest.mark.parametrize(
    "events",
    [
        [],
        [said("no answer", f"sp-{n}") for n in range(4)],
        [said("no answer", "sp-1", severity="warning")],
        [said("no answer", "sp-1", type_="pulumi:pulumi:Stack")],
        [DiagnosticEvent("no answer", "never", "error")],
        [said("another", "sp-1")],
    ],
    ids=["nobody", "many", "no error", "no person", "no urn", "another error"],
)
def test_errors_about_nobody_or_many_stay_as_they_are(events: list[DiagnosticEvent]) -> None:
    assert located("no answer", *events) == "no answer"
