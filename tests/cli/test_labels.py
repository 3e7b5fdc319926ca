"""`optout labels` as people meet it; what it does is tested beside the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.projects import DOMAIN
from tests.tables import each_row
from voiceid_optout.cli.config import new_key
from voiceid_optout.cli.context import LABEL_KEY, PREVIOUS_LABEL_KEY, label_keys
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.labels import Missing, in_ci, provided, rotate
from voiceid_optout.speakers import GUESSABLE_VARIABLE, SPEAKER_TYPE

if TYPE_CHECKING:
    from tests.cli.projects import Project


@pytest.mark.parametrize("words", [("rotate",), ("finish",)])
def test_help_says_what_happens_to_people(project: Project, words: tuple[str, ...]) -> None:
    result = project.run("labels", *words, "--help")
    assert result.exit_code == 0
    assert "up" in result.output


def test_without_a_change_of_key_there_is_nothing_to_finish(project: Project) -> None:
    result = project.run("labels", "finish", "--stack", "test")
    assert (result.exit_code, result.output) == (2, "error: Pulumi.test.yaml has no previousLabelKey\n")


def made(project: Project, missing: Missing, **environment: str) -> tuple[str | None, dict[str, str], list[str]]:
    """Return the key that a command gets, what the program is told, and what was said."""
    said: list[str] = []
    context, variables = provided(project.context(**environment), {}, missing, said.append)
    return label_keys(context, {}).current, variables, said


def people_in_state(project: Project) -> None:
    """Let the state have somebody, as that of a stack that has run."""
    project.state_file.parent.mkdir(parents=True)
    (project.state_folder / ".pulumi" / "meta.yaml").write_text("version: 1\n")
    project.state_file.write_text(f'{{"urn": "urn:pulumi:test::p::{SPEAKER_TYPE}::sp-1"}}')


def test_a_new_stack_gets_a_key_only_where_its_file_stays(project: Project) -> None:
    project.configure(guessableLabels=None, domain=DOMAIN)
    for missing, environment in (
        (Missing.MAKE, {"CI": "true"}),
        (Missing.REFUSE, {}),
        (Missing.REFUSE, {"CI": "1"}),
    ):
        with pytest.raises(CommandError, match="optout config set --secret labelKey --random") as raised:
            made(project, missing, **environment)
        assert raised.value.code is ExitCode.USAGE
    assert made(project, Missing.LEAVE) == (None, {}, [])
    key, variables, said = made(project, Missing.MAKE)
    assert key is not None
    assert variables == {}
    assert said == ["Made a secret key for the labels of this stack in Pulumi.test.yaml: commit that file."]
    assert made(project, Missing.REFUSE) == (key, {}, [])


@pytest.mark.parametrize("missing", [Missing.MAKE, Missing.REFUSE])
def test_a_stack_that_has_run_keeps_its_labels_with_a_warning(project: Project, missing: Missing) -> None:
    project.configure(guessableLabels=None, domain=DOMAIN)
    people_in_state(project)
    key, variables, said = made(project, missing, CI="true")
    assert (key, variables) == (None, {GUESSABLE_VARIABLE: "true"})
    assert said[0].startswith("warning: whoever sees a label of this stack can find out whose it is")


@pytest.mark.parametrize("config", [{"guessableLabels": True}, {"service": "embedded"}, {"guardrails": "only"}])
def test_who_needs_no_key_gets_none(project: Project, config: dict[str, Any]) -> None:
    project.configure(**{"guessableLabels": None, "domain": DOMAIN, **config})
    assert made(project, Missing.MAKE) == (None, {}, [])


def test_a_state_that_cannot_be_read_makes_no_key(project: Project) -> None:
    project.configure(guessableLabels=None, domain=DOMAIN)
    with pytest.raises(CommandError, match="whether it has run before cannot be told"):
        made(project, Missing.MAKE, PULUMI_BACKEND_URL="s3://bucket", PATH="")


@pytest.mark.parametrize(("key", "previous"), [("hush", "hush"), (None, "domain-id")])
def test_a_rotation_keeps_the_key_of_before_beside_the_new_one(
    project: Project, key: str | None, previous: str
) -> None:
    project.configure(domain=DOMAIN, **({"labelKey": key} if key else {}))
    assert "Review its plan" in rotate(project.context())
    keys = label_keys(project.context(), {})
    assert keys.previous == previous
    assert keys.current not in (None, key)
    sealed = {LABEL_KEY, PREVIOUS_LABEL_KEY} if key is not None else {LABEL_KEY}
    assert project.context().config.sealed == sealed
    with pytest.raises(CommandError, match="the labels change their key already"):
        rotate(project.context())


def test_a_sandbox_has_no_secret_to_rotate(project: Project) -> None:
    project.configure(service="embedded")
    result = project.run("labels", "rotate", "--stack", "test")
    assert result.exit_code == 2
    assert "sandbox" in result.output


@each_row(("value", "is_one"), [(None, False), ("", False), ("false", False), ("0", False), ("true", True)])
def test_a_runner_says_so(value: str | None, *, is_one: bool) -> None:
    assert in_ci({} if value is None else {"CI": value}) is is_one


def test_keys_are_random() -> None:
    made = {new_key() for _ in range(10)}
    assert len(made) == 10
    assert {len(key) for key in made} == {64}
