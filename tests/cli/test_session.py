"""What a session makes of a run. The engine is a script here: no real one fails in all these ways on demand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.desk import Desk, desk
from tests.cli.projects import DOMAIN, Project, label_of
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.output import PlainConsole
from voiceid_optout.cli.session import Choices, opened
from voiceid_optout.plan import Action, Change, Plan, Purpose, Scope, Step
from voiceid_optout.service.data_folder import find
from voiceid_optout.state import StackError

if TYPE_CHECKING:
    from pathlib import Path

    from voiceid_optout.plan.review import Review

SAM = "sp-00000000000005a1"


REPAIRED = Step(SAM, Action.REPAIR, "ENROLLED in the service, should be OPTED_OUT")
RELEASE = Step("sp-00000000000005a2", Action.RELEASE, "released", Change("ensure", "opted_out", "released"))
PLACES = {SAM: "config/people.yaml:3"}


def reviewed(made: Desk, *steps: Step, unchanged: int = 3, purpose: Purpose = Purpose.DRIFT) -> Review:
    return made.session.review(Plan(steps, unchanged), purpose)


def test_a_review_knows_the_stack_and_what_the_register_says(project: Project) -> None:
    made = desk(project, places=PLACES, because={RELEASE.label: "consented"})
    review = reviewed(made, REPAIRED, RELEASE, purpose=Purpose.UP)
    assert review.scope == Scope("voiceid-optout", "test", Purpose.UP, "aws", "us-east-1")
    assert (review.place(REPAIRED), review.reason_of_release(RELEASE)) == ("config/people.yaml:3", "consented")


def choices(project: Project, **changes: Any) -> Choices:
    given: dict[str, Any] = {
        "root": project.root,
        "stack": "test",
        "engine": "embedded",
        "as_json": False,
    }
    return Choices(**{**given, **changes})


def test_an_opened_session_has_engine_places_and_environment(project: Project) -> None:
    with opened(choices(project)) as session:
        assert session.engine.name == "embedded"
        assert set(session.people.places) == {label_of(DOMAIN, "caller-1"), label_of(DOMAIN, "caller-2")}
        assert session.environment["OPTOUT_STACK_CONFIG"] == json.dumps({"region": "us-east-1"})
        assert session.screen.console == PlainConsole()
        assert (project.root / ".optout").is_dir()
    with opened(choices(project, as_json=True)) as session:
        assert session.screen.console == PlainConsole(err=True), "standard output is for the JSON alone"


def test_auto_takes_the_embedded_engine_where_there_is_no_other(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with opened(choices(project, engine="auto")) as session:
        assert session.engine.name == "embedded"


def test_a_label_that_nobody_has_is_wrong_usage_and_ends_the_service(project: Project) -> None:
    project.configure(service="embedded", domain="sandbox", domains={"sandbox": DOMAIN})
    log = project.root / "events.log"
    log.write_text("of the run before\n", encoding="utf-8")
    labels = (label_of(DOMAIN, "caller-1"), f"sp-{0:016}")
    with (
        pytest.raises(CommandError, match=r"no one in the register has the label sp-0{16}") as caught,
        opened(choices(project, event_log=log), targets=labels),
    ):
        pytest.fail("a label that nobody has was taken")
    assert caught.value.code == ExitCode.USAGE
    assert log.read_text(encoding="utf-8") == "of the run before\n"
    assert find(project.context().service_folder) is None


def test_a_session_shows_no_environment_and_no_places(project: Project) -> None:
    made = desk(project, places=PLACES)
    assert "PULUMI_CONFIG_PASSPHRASE" in made.session.context.environment
    assert "PULUMI_CONFIG_PASSPHRASE" not in repr(made.session)
    assert SAM not in repr(made.session)


def test_texts_of_register_and_engine_name_nobody(project: Project) -> None:
    project.people("caller-1", released={"caller-1000017": "CALLER-1000017 wrote, mail_caller-1000017"})
    (project.root / "config" / "people.yaml").rename(project.root / "config" / "caller-1000017.yaml")
    choices = Choices(root=project.root, stack="test", engine="embedded")
    released = label_of(DOMAIN, "caller-1000017")
    seen: list[str] = []
    with pytest.raises(StackError, match=r"^no … here$"), opened(choices) as session:  # noqa: PT012 - as a command
        seen += [session.people.reasons[released], session.people.places[released]]
        raise StackError("no caller-1000017 here")
    assert seen == ["… wrote, mail_…", "config/….yaml:3"]
