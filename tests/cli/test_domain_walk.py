"""Runs that go on are in test_adopt.py."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from voiceid_optout.cli.domain_walk import PageFile
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.speakers import SpeakerStatus
from voiceid_optout.voiceid import Speaker

WHEN = datetime(2026, 3, 2, tzinfo=UTC).timestamp()


def speaker(customer_id: str | None, generated_id: str, status: SpeakerStatus = SpeakerStatus.OPTED_OUT) -> Speaker:
    return Speaker("D" * 22, customer_id, generated_id, status, WHEN, WHEN)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pages.jsonl"


def open_file(path: Path, place: str = "here", now: float = 1000.0) -> PageFile:
    return PageFile(path, "D" * 22, place, lambda: now)


def test_pages_are_there_again(path: Path) -> None:
    with open_file(path) as pages:
        pages.append([speaker("a", "id#1"), speaker(None, "id#2")], "next")
        pages.append([speaker("a", "id#1", SpeakerStatus.ENROLLED)], None)
        told = list(pages.speakers)
    with open_file(path) as pages:
        assert (pages.pages, pages.token, pages.complete) == (2, None, True)
        assert list(pages.speakers) == told
    assert [(seen.names, seen.status) for seen in told] == [(("a", "id#1"), "ENROLLED"), (("id#2",), "OPTED_OUT")]
    assert "id#1" not in repr(told)


@pytest.mark.parametrize("content", ["", "\n", "[]\n", "{}\n", '{"started": "x"}\n', "no json", '{"version": 1}\n'])
def test_what_is_no_page_file_is_begun_anew(path: Path, content: str) -> None:
    path.write_text(content)
    with open_file(path) as pages:
        assert (pages.pages, pages.token, pages.complete, pages.outdated) == (0, None, False, False)
    assert json.loads(path.read_text())["started"] == 1000.0


def test_pages_of_another_endpoint_and_of_yesterday_are_dropped(path: Path) -> None:
    with open_file(path) as pages:
        pages.append([speaker("a", "id#1")], "next")
    with open_file(path, now=1000.0 + 24 * 3600) as pages:
        assert (pages.pages, pages.outdated) == (1, False)
    with open_file(path, now=1001.0 + 24 * 3600) as pages:
        assert (pages.pages, pages.outdated) == (0, True)
        pages.append([speaker("a", "id#1")], "next")
    with open_file(path, "elsewhere") as pages:
        assert (pages.pages, pages.outdated) == (0, False)


@pytest.mark.parametrize("torn", ['{"next": "x", "spea', "{}\n", '{"next": 1, "speakers": [[1]]}\n'])
def test_a_torn_line_is_dropped_and_written_over(path: Path, torn: str) -> None:
    with open_file(path) as pages:
        pages.append([speaker("a", "id#1")], "next")
    whole = path.read_text()
    path.write_text(whole + torn)
    with open_file(path) as pages:
        assert (pages.pages, pages.token) == (1, "next")
        assert path.read_text() == whole
        pages.append([], None)
    with open_file(path) as pages:
        assert pages.complete


def test_one_run_at_a_time(path: Path) -> None:
    with open_file(path), pytest.raises(CommandError, match="another run adopts") as caught, open_file(path):
        raise AssertionError
    assert caught.value.code is ExitCode.LOCKED


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(CommandError, match=r"cannot open .*pages: No such file or directory"),
        open_file(tmp_path / "nowhere" / "pages"),
    ):
        raise AssertionError
