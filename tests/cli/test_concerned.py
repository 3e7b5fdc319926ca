"""Whom the errors of a run concern."""

from __future__ import annotations

import pytest
from pulumi.automation.events import DiagnosticEvent

from voiceid_optout import urn as urns
from voiceid_optout.cli.concerned import Concerned
from voiceid_optout.plan.builder import SPEAKER_TYPE

PLACES = {"sp-1": "config/people.yaml:3", "sp-2": "config/people.yaml:9"}


def said(message: str, label: str, *, type_: str = SPEAKER_TYPE, severity: str = "error") -> DiagnosticEvent:
    return DiagnosticEvent(message, "never", severity, urn=urns.make("local", "voiceid-optout", "", type_, label))


def located(error: str, *events: DiagnosticEvent) -> str:
    concerned = Concerned(PLACES)
    for event in events:
        concerned.add(event)
    (line,) = concerned.located([error])
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
