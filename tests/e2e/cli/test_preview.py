import json

from jsonschema import validate

from tests.cli.projects import Project, label_of
from tests.service.running import Service
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.plan.render_json import SCHEMA

CROWD = [f"caller-{n}" for n in range(40)]


def test_the_plan_is_shown_and_nothing_is_done(live: Project, service: Service, domain: str) -> None:
    result = live.run("preview")
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    *rows, last = result.stdout.splitlines()
    assert rows == [
        "Plan for stack test: 2 to opt out, 0 unchanged",
        f"Endpoint: {service.url} (us-east-1), domain {domain}",
        f"  + opt out  {label_of(domain, 'caller-1')}  config/people.yaml:3  new",
        f"  + opt out  {label_of(domain, 'caller-2')}  config/people.yaml:4  new",
    ]
    assert last.startswith("Digest: ")
    assert len(last) == len("Digest: ") + 32
    assert not live.state_file.exists()


def test_a_script_can_tell_changes_from_none(live: Project, service: Service) -> None:
    assert live.run("preview", "--detailed-exitcode").exit_code == ExitCode.CHANGES_PLANNED
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    result = live.run("preview", "--detailed-exitcode")
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.splitlines() == [
        "Plan for stack test: 2 unchanged",
        f"Endpoint: {service.url} (us-east-1)",
        "Nothing to do: the service says what the register asks.",
    ]


def test_a_reviewer_sees_what_the_guard_would_refuse(live: Project) -> None:
    live.people(*CROWD)
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    live.people(*CROWD[13:])
    shown = live.run("preview")
    assert shown.exit_code == ExitCode.DONE
    *_, warning, override, digest = shown.stdout.splitlines()
    assert warning == (
        "The guard would refuse this: "
        "13 of 40 people (32.5 %, at most 30 % may) would be released or no longer managed."
    )
    assert override == (
        f"To do exactly this all the same: optout up --stack test --cwd '{live.root}' "
        f"--approve {digest.removeprefix('Digest: ')}"
    )
    assert live.run("preview", "--detailed-exitcode").exit_code == ExitCode.REFUSED


def test_json_is_alone_on_standard_output(live: Project, domain: str) -> None:
    label = label_of(domain, "caller-2")
    result = live.run("preview", "--json", "--target", label)
    assert result.exit_code == ExitCode.DONE
    shown = json.loads(result.stdout)
    validate(shown, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert (shown["stack"], shown["purpose"], shown["counts"], shown["unchanged"]) == (
        "test",
        "up",
        {"opt-out": 1},
        1,
    )
    assert [(step["label"], step["place"]) for step in shown["steps"]] == [(label, "config/people.yaml:4")]
    assert result.stderr.startswith("Plan for stack test: 1 to opt out, 1 unchanged\n")
    assert f"Digest: {shown['digest'][:32]}\n" in result.stderr


def test_no_output_carries_an_identifier(live: Project) -> None:
    live.people("caller-1", released={"caller-2": "caller-2 wrote, like caller-1, that it is fine"})
    for form in ("json", "markdown", "html", "text"):
        result = live.run("preview", "--format", form)
        assert result.exit_code == ExitCode.DONE
        assert "that it is fine" in result.stdout
        assert "caller-" not in result.stdout + result.stderr
