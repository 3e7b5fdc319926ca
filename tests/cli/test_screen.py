from __future__ import annotations

import io
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from tests.cli.desk import Desk, desk
from tests.tables import each_row
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.screen import WorkProgress
from voiceid_optout.engine.embedded.run import Emitter
from voiceid_optout.plan import Action, Change, Plan, Purpose, Step, render_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.engines import ScriptedEngine
    from tests.cli.projects import Project
    from voiceid_optout.plan.review import Review


SAM = "sp-00000000000005a1"


REPAIRED = Step(SAM, Action.REPAIR, "ENROLLED in the service, should be OPTED_OUT")
RELEASE = Step("sp-00000000000005a2", Action.RELEASE, "released", Change("ensure", "opted_out", "released"))
PLACES = {SAM: "config/people.yaml:3"}


def reviewed(made: Desk, *steps: Step, unchanged: int = 3, purpose: Purpose = Purpose.DRIFT) -> Review:
    return made.session.review(Plan(steps, unchanged), purpose)


def test_a_plan_is_shown_as_its_text(project: Project) -> None:
    made = desk(project, places=PLACES, width=40)
    review = reviewed(made, REPAIRED, RELEASE, purpose=Purpose.UP)
    made.session.screen.show(review)
    assert made.shown == render_text.render(review)
    assert len(made.shown.splitlines()) == 5


def test_on_a_narrow_terminal_the_reasons_go_below(project: Project) -> None:
    made = desk(project, places=PLACES, width=80, terminal=True)
    made.session.screen.show(reviewed(made, REPAIRED))
    lines = [line.removeprefix("\x1b[1m").removesuffix("\x1b[0m") for line in made.shown.splitlines()]
    assert lines == [
        "Drift in stack test: 1 to repair, 3 unchanged",
        "Endpoint: AWS's Voice ID in us-east-1",
        f"  ! repair  {SAM}  config/people.yaml:3",
        "      ENROLLED in the service, should be OPTED_OUT",
    ]


def test_on_a_wide_terminal_a_row_is_a_line(project: Project) -> None:
    made = desk(project, places=PLACES, width=200, terminal=True)
    made.session.screen.show(reviewed(made, REPAIRED))
    assert len(made.shown.splitlines()) == 3


def test_json_is_one_object_in_ascii_and_only_if_asked_for(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    desk(project).session.screen.emit(lambda: pytest.fail("it takes memory, and nobody asks for it"))
    assert capsys.readouterr() == ("", "")
    desk(project, as_json=True).session.screen.emit(lambda: {"place": "config/büro.yaml:3"})
    out, err = capsys.readouterr()
    assert out.isascii()
    assert (json.loads(out), err) == ({"place": "config/büro.yaml:3"}, "")


@pytest.mark.parametrize(
    ("answer", "ends"),
    [("y\n", None), ("yes\n", None), ("n\n", ExitCode.USAGE), ("\n", ExitCode.USAGE), ("", ExitCode.USAGE)],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_question_wants_a_yes(project: Project, answer: str, ends: ExitCode | None, *, as_json: bool) -> None:
    session = desk(project, as_json=as_json).session

    @click.command()
    def ask() -> None:
        session.screen.confirm("Do this?", yes=False)

    result = CliRunner().invoke(ask, input=answer)
    assert "Do this? [y/N]" in (result.stderr if as_json else result.stdout)
    assert not as_json or result.stdout == "", "standard output is for the JSON alone"
    if ends is None:
        assert result.exception is None
    else:
        assert isinstance(result.exception, CommandError)
        assert (str(result.exception), result.exception.code) == ("not confirmed; nothing was changed", ends)


def test_with_yes_nobody_is_asked(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    desk(project).session.screen.confirm("Do this?", yes=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("command", ["preview", "up", "drift", "refresh", "destroy"])
def test_who_wants_quiet_gets_the_result_and_what_is_wrong(
    project: Project, engine: ScriptedEngine, command: str
) -> None:
    engine.stream.stack("same")
    engine.stream.read(SAM, "OPTED_OUT", "ENROLLED")
    engine.stream.step("same", SAM)
    tell = Emitter(engine.stream.events.append).diagnostic
    tell("info", "by the way")
    tell("warning", "look here")
    extra = ["--yes"] if command == "up" else ["--preview"] if command == "destroy" else []
    loud = project.run(command, "--stack", "test", *extra).output
    quiet = project.run(command, "--stack", "test", "--quiet", *extra).output
    assert "note: by the way" in loud
    assert f"! repair  {SAM}" in loud
    assert "by the way" not in quiet
    assert "! repair" not in quiet
    assert "warning: look here" in quiet
    assert "1 to repair" in quiet
    assert "Applying" not in quiet
    assert ("Done: 1 repaired." in quiet) == (command == "up")


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


class Paper(io.StringIO):
    """Output that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        self.written.set()
        return count


def console(*, terminal: bool) -> Console:
    return Console(file=Paper(), force_terminal=terminal, force_interactive=terminal, width=80, color_system=None)


def text(of: Console) -> str:
    assert isinstance(of.file, Paper)
    return of.file.getvalue()


def eventually(holds: Callable[[], bool]) -> None:
    for _ in range(60_000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("not within 600 s")


def repeat(action: Callable[[], None], times: int) -> None:
    for _ in range(times):
        action()


def test_elsewhere_a_line_tells_the_total_at_the_end() -> None:
    plain = console(terminal=False)
    with WorkProgress(plain, "Applying", 1200, Clock()) as progress:
        repeat(progress.advance, 1200)
        assert text(plain) == ""
    assert text(plain) == "Applying: 1,200 of 1,200\n"


def test_elsewhere_lines_come_also_while_nothing_ends() -> None:
    plain = console(terminal=False)
    assert isinstance(plain.file, Paper)
    with WorkProgress(plain, "Applying", 10, every=0.01) as progress:
        progress.waits("OptOutSpeaker waits for its quota")
        assert plain.file.written.wait(600)
    assert text(plain).splitlines()[0] == "Applying: 0 of 10, OptOutSpeaker waits for its quota"


def test_a_line_tells_rate_and_time_left() -> None:
    clock = Clock()
    with WorkProgress(console(terminal=False), "Applying", 4210, clock) as progress:
        assert progress.tell() == "Applying: 0 of 4,210"
        repeat(progress.advance, 10)
        clock.now += 1
        assert progress.tell() == "Applying: 10 of 4,210"  # too early to tell
        clock.now += 9
        assert progress.tell() == "Applying: 10 of 4,210, 1.0/s, 1 h 10 min left"
        repeat(progress.advance, 190)
        assert progress.tell() == "Applying: 200 of 4,210, 20/s, 3 min left"


def test_a_reason_stands_until_something_ends() -> None:
    clock = Clock()
    with WorkProgress(console(terminal=False), "Comparing", None, clock) as progress:
        progress.waits("ListSpeakers waits for its quota")
        assert progress.tell() == "Comparing: 0, ListSpeakers waits for its quota"
        clock.now += 10
        progress.advance()
        assert progress.tell() == "Comparing: 1, 0.1/s"


def test_done_has_no_time_left() -> None:
    clock = Clock()
    with WorkProgress(console(terminal=False), "Applying", 2, clock) as progress:
        repeat(progress.advance, 2)
        clock.now += 4
        assert progress.tell() == "Applying: 2 of 2, 0.5/s"


@each_row(("total", "lasting"), [(None, True), (0, True), (5, False)])
def test_elsewhere_short_work_says_nothing(total: int | None, *, lasting: bool) -> None:
    plain = console(terminal=False)
    with WorkProgress(plain, "Comparing", total, Clock(), lasting=lasting) as progress:
        progress.advance()
    assert text(plain) == ""


def test_on_a_terminal_there_is_a_bar() -> None:
    terminal, clock = console(terminal=True), Clock()
    with WorkProgress(terminal, "Applying", 3, clock) as progress:
        progress.advance()
        clock.now += 4
        progress.advance()
        progress.waits("OptOutSpeaker waits for its quota")
    assert "Applying" in text(terminal)
    assert "2/3" in text(terminal)


def test_on_a_terminal_everything_fits_into_eighty_columns() -> None:
    terminal, clock = console(terminal=True), Clock()
    with WorkProgress(terminal, "Asking the service", 100_000, clock) as progress:
        clock.now += 60
        repeat(progress.advance, 600)
        progress.waits("OptOutSpeaker waits for its quota")
        progress.advance()
        progress.waits("OptOutSpeaker waits for its quota")
        wanted = r"601/100000 +10/s, 2 h 45 min left, at quota"
        eventually(lambda: re.search(wanted, text(terminal)) is not None)


@pytest.mark.parametrize(("total", "shown"), [(None, "1/?"), (1, "1/1")])
def test_on_a_terminal_a_bar_that_does_not_last_goes_away(total: int | None, shown: str) -> None:
    terminal = console(terminal=True)
    with WorkProgress(terminal, "Comparing", total, lasting=False) as progress:
        progress.advance()
    assert shown in text(terminal)
    assert text(terminal).endswith("\x1b[2K"), "the line is erased at the end"


def test_steps_end_on_many_threads() -> None:
    plain = console(terminal=False)
    with WorkProgress(plain, "Applying", 4000) as progress, ThreadPoolExecutor(8) as pool:
        for _ in range(4000):
            pool.submit(progress.advance)
        pool.shutdown()
    assert text(plain).endswith("Applying: 4,000 of 4,000\n")
