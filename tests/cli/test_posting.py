from pathlib import Path
from typing import Any

import pytest

from voiceid_optout.cli import posting
from voiceid_optout.cli.exit_codes import CommandError
from voiceid_optout.cli.posting import Choices, origin, read_texts
from voiceid_optout.forge.client import Event
from voiceid_optout.forge.texts import Origin

HEAD = "1" * 40


def choices(**given: Any) -> Choices:
    return Choices(**{"root": Path(), "stack": "test", "repository": None, "commit": None, **given})


def test_texts_are_read_whatever_bytes_they_have(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_bytes(b"one\r\n\xfftwo\x00")
    assert read_texts(choices(body_file=file)).body == "one\n�two"
    assert read_texts(choices()).is_empty


def test_what_cannot_be_a_plan_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="cannot be read: Is a directory"):
        read_texts(choices(log_file=tmp_path))
    monkeypatch.setattr(posting, "MOST_BYTES", 3)
    file = tmp_path / "text"
    file.write_bytes(b"1234")
    with pytest.raises(CommandError, match="that is no plan"):
        read_texts(choices(body_file=file))


def test_a_text_is_about_the_commit_that_is_named_best() -> None:
    event, environ = Event(7, HEAD), {"GITHUB_SHA": "2" * 40}
    assert origin(choices(commit="3" * 40), event, environ) == Origin("test", "3" * 40)
    assert origin(choices(), event, environ) == Origin("test", HEAD)
    assert origin(choices(), Event(), environ) == Origin("test", "2" * 40)
    assert origin(choices(), Event(), {}) == Origin("test")
