import json

from optout.cli.exit_codes import ExitCode
from optout.engine.embedded.backend import Backend
from tests.cli.projects import NAME, Project, label_of


def test_the_plan_is_shown_and_nothing_is_done(live: Project, domain: str) -> None:
    result = live.run("preview")
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    assert result.stdout.splitlines() == [
        "Plan for stack test: 2 to opt out, 0 unchanged",
        f"  + opt out  {label_of(domain, 'caller-1')}  config/people.yaml:3  new",
        f"  + opt out  {label_of(domain, 'caller-2')}  config/people.yaml:4  new",
    ]
    assert not Backend(live.state_folder, NAME, "test").state_file.exists()


def test_a_script_can_tell_changes_from_none(live: Project) -> None:
    assert live.run("preview", "--detailed-exitcode").exit_code == ExitCode.CHANGES_PLANNED
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    result = live.run("preview", "--detailed-exitcode")
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.splitlines() == [
        "Plan for stack test: 2 unchanged",
        "Nothing to do: the service says what the register asks.",
    ]


def test_json_is_alone_on_standard_output(live: Project, domain: str) -> None:
    label = label_of(domain, "caller-2")
    result = live.run("preview", "--json", "--target", label)
    assert result.exit_code == ExitCode.DONE
    assert json.loads(result.stdout) == {
        "version": 1,
        "counts": {"opt-out": 1},
        "unchanged": 1,
        "steps": [{"label": label, "action": "opt-out", "reason": "new", "place": "config/people.yaml:4"}],
    }
    assert result.stderr.startswith("Plan for stack test: 1 to opt out, 1 unchanged\n")


def test_no_output_carries_an_identifier(live: Project) -> None:
    result = live.run("preview", "--json")
    assert "caller-" not in result.stdout + result.stderr


def test_an_invalid_register_ends_it_before_anything_starts(live: Project) -> None:
    live.people("not an id")
    result = live.run("preview")
    assert (result.exit_code, result.stdout) == (ExitCode.REGISTER_INVALID, "")
    assert result.stderr.endswith("error: the register has 1 fault; nothing was changed\n")
    assert not (live.root / ".optout").exists()
