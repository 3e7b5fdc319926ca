import re

import pytest

from tests.cli.projects import Project
from voiceid_optout.cli.basis import Basis, files_of, state_of
from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode


def basis(project: Project) -> Basis:
    context = project.context()
    return Basis(files_of(context), state_of(context))


def changed(made: Basis, project: Project) -> str:
    with pytest.raises(CommandError) as caught:
        made.require_unchanged(project.context())
    assert caught.value.code == ExitCode.STALE
    return re.sub(" changed after .*", "", str(caught.value))


def test_nothing_has_changed(project: Project) -> None:
    made = basis(project)
    made.require_unchanged(project.context())
    project.people("caller-1", "caller-2")  # written anew with the same content
    project.salt()  # as a first run does
    made.require_unchanged(project.context())


def test_a_changed_line_is_seen(project: Project) -> None:
    made = basis(project)
    project.people("caller-1")
    assert changed(made, project) == "config/people.yaml"


def test_a_new_and_a_missing_file_are_seen(project: Project) -> None:
    made = basis(project)
    (project.root / "config" / "more.yaml").write_text("speakers: [caller-3]\n", encoding="utf-8")
    assert changed(made, project) == "config/more.yaml"
    (project.root / "config" / "people.yaml").unlink()
    assert changed(made, project) == "config/more.yaml and 1 more"


def test_a_changed_config_is_seen(project: Project) -> None:
    made = basis(project)
    project.configure(domain="another")
    assert changed(made, project) == "Pulumi.test.yaml"


def test_another_run_s_state_is_seen(project: Project) -> None:
    before = basis(project)
    assert before.state is None
    project.state_file.parent.mkdir(parents=True)
    project.state_file.write_text("one", encoding="utf-8")
    assert changed(before, project) == "the state, by another run,"
    made = basis(project)
    made.require_unchanged(project.context())
    new = project.state_file.with_suffix(".new")
    new.write_text("two", encoding="utf-8")
    new.replace(project.state_file)
    assert changed(made, project) == "the state, by another run,"


def test_a_file_that_cannot_be_read_is_the_register_s_to_complain_about(project: Project) -> None:
    (project.root / "config" / "gone.yaml").symlink_to(project.root / "nowhere")
    assert files_of(project.context())["config/gone.yaml"] == ""
