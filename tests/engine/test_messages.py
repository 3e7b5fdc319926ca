from __future__ import annotations

from typing import TYPE_CHECKING

from tests.tables import each_row
from voiceid_optout.engine.messages import ErrorLines, for_people, last_line, unhandled, without_values

if TYPE_CHECKING:
    import pytest

TRACE = """Traceback (most recent call last):
  File "provider.py", line 8, in create
    raise RuntimeError('no room')
RuntimeError: no room

"""


@each_row(
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


@each_row(
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


@each_row(
    ("text", "shown"),
    [
        (
            f"Program failed with an unhandled exception:\n{TRACE}",
            "the program ended with RuntimeError at provider.py:8; OPTOUT_DEBUG=1 shows what it says",
        ),
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


LIBRARY = """Traceback (most recent call last):
  File "/project/__main__.py", line 48, in <module>
    load("caller-1")
  File "/project/.venv/lib/python3.11/site-packages/thing/load.py", line 7, in load
    raise LoadError(name)
thing.load.LoadError: caller-1
and a line more of caller-1
"""


@each_row(
    ("trace", "words"),
    [
        (LIBRARY, "LoadError at __main__.py:48"),
        (LIBRARY.replace("/project/__main__.py", "/usr/lib/python3.11/runpy.py"), "LoadError at load.py:7"),
        ("", "an exception at a place that it does not tell"),
        ("Traceback (most recent call last):\ncaller-1 said no: really", "an exception at a place"),
    ],
)
def test_an_exception_is_its_kind_and_its_place(trace: str, words: str) -> None:
    assert unhandled(trace).startswith(f"the program ended with {words}")
    assert "caller-1" not in unhandled(trace)


def test_lines_of_an_interrupted_program_say_nothing() -> None:
    lines = ErrorLines()
    trace = [*LIBRARY.splitlines()[:5], "KeyboardInterrupt"]
    assert [lines.shown(line) for line in [*trace, "after"]] == [None] * 6 + ["after"]


def test_debugging_shows_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTOUT_DEBUG", "1")
    assert unhandled(TRACE) == "RuntimeError: no room"
    lines = ErrorLines()
    assert [lines.shown(line) for line in TRACE.splitlines()][3] == "RuntimeError: no room"
