from __future__ import annotations

import pytest

from voiceid_optout.engine.messages import for_people, last_line, without_values

TRACE = """Traceback (most recent call last):
  File "provider.py", line 8, in create
    raise RuntimeError('no room')
RuntimeError: no room

"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (TRACE, "no room"),
        ("botocore.exceptions.ClientError: throttled", "throttled"),
        ("one\ntwo: three\n\n", "two: three"),
        ("socket.gaierror: no such host", "no such host"),
        ("config/people.yaml:3:5: is empty", "config/people.yaml:3:5: is empty"),
        ("a sentence: with a colon", "a sentence: with a colon"),
        ("KeyError: ", "KeyError:"),
        ("", "no reason given"),
        (" \n ", "no reason given"),
    ],
)
def test_last_line(text: str, line: str) -> None:
    assert last_line(text) == line


@pytest.mark.parametrize(
    "refused",
    [
        "my:Type resource 's1': property speaker_id value {&{{caller-17}}} has a problem: too long",
        "my:Type resource 's1': property speaker_id value {caller-17\n has a problem: } has a problem: too long",
        "property speaker_id with value 'caller-17' has a problem: too long",
    ],
)
def test_values_of_refused_properties_are_left_out(refused: str) -> None:
    assert without_values(refused) == "property speaker_id: too long"


def test_other_texts_are_left_alone() -> None:
    assert without_values("my:Type resource 's1' has a problem: too long") == (
        "my:Type resource 's1' has a problem: too long"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Program failed with an unhandled exception:\n{TRACE}", "no room"),
        (f"Preview failed: {TRACE}", "no room"),
        (
            "people.yaml:3:5: is empty\npeople.yaml:4:5: is empty\n",
            "people.yaml:3:5: is empty\npeople.yaml:4:5: is empty",
        ),
        (TRACE.replace("no room", "property id value {x} has a problem: odd"), "property id: odd"),
    ],
)
def test_for_people(text: str, shown: str) -> None:
    assert for_people(text) == shown
