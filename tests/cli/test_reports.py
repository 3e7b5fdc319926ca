from pathlib import Path

import click
import pytest

from tests.plan.plans import review, steps
from voiceid_optout.cli.exit_codes import CommandError
from voiceid_optout.cli.reports import COMMENT_LENGTH, Report, render, report, write
from voiceid_optout.plan import Action

MD, HTML = Path("plan.md"), Path("plan.html")


@pytest.mark.parametrize(
    ("form", "outputs", "as_json", "meant"),
    [
        (None, (), False, Report("text")),
        ("text", (), False, Report("text")),
        ("markdown", (), False, Report("markdown")),
        (None, (), True, Report("json")),
        ("json", (), True, Report("json")),
        (None, (MD, HTML), False, Report("text", ((MD, "markdown"), (HTML, "html")))),
        (None, (Path("PLAN.MARKDOWN"),), False, Report("text", ((Path("PLAN.MARKDOWN"), "markdown"),))),
        (None, (MD,), True, Report("json", ((MD, "markdown"),))),
        ("html", (Path("plan"), MD), False, Report("text", ((Path("plan"), "html"), (MD, "html")))),
    ],
)
def test_what_the_options_mean_together(
    form: str | None, outputs: tuple[Path, ...], *, as_json: bool, meant: Report
) -> None:
    assert report(form, outputs, as_json=as_json) == meant


@pytest.mark.parametrize(
    ("form", "outputs", "as_json", "words"),
    [
        ("html", (), True, "--json and --format say different things"),
        (None, (Path("plan"),), False, "plan has none of the endings .txt, .md"),
        (None, (MD, Path("plan.pdf")), False, "say with --format what to write"),
    ],
)
def test_what_cannot_be_meant_is_said(
    form: str | None, outputs: tuple[Path, ...], *, as_json: bool, words: str
) -> None:
    with pytest.raises(click.UsageError, match=words):
        report(form, outputs, as_json=as_json)


def test_only_text_leaves_standard_output_to_people() -> None:
    assert [Report(form).is_for_machines for form in ("text", "json", "markdown", "html")] == [
        False,
        True,
        True,
        True,
    ]


def test_markdown_leaves_room_in_a_comment() -> None:
    assert len(render(review(steps(Action.OPT_OUT, 5000)), "markdown")) <= COMMENT_LENGTH < 65_536


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "plan.md"
    write(path, b"one", 0o600)
    write(path, b"two", 0o644)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o644
    with pytest.raises(CommandError, match=r"cannot write .*: "):
        write(path / "below a file", b"x", 0o644)


def test_what_was_asked_for_is_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = review(steps(Action.OPT_OUT, 2))
    Report("text", ((tmp_path / "plan.txt", "text"),)).publish(made)
    assert capsys.readouterr() == ("", "")
    Report("markdown").publish(made)
    assert capsys.readouterr().out == render(made, "markdown")
    assert (tmp_path / "plan.txt").read_text(encoding="utf-8") == render(made, "text")
