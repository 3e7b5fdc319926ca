import json

from tests.cli.engines import ModelEngine
from tests.cli.projects import DOMAIN, Project, label_of
from voiceid_optout.cli.exit_codes import ExitCode


def test_the_state_learns_what_the_service_says(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    calm = project.run("refresh")
    assert (calm.exit_code, calm.stdout) == (ExitCode.DONE, "The state is up to date: 2 people, no drift.\n")

    model.service[label_of(DOMAIN, "caller-1")] = "EXPIRED"
    found = project.run("refresh", "--json")
    assert found.exit_code == ExitCode.DONE
    shown = json.loads(found.stdout.splitlines()[-1])
    assert (shown["purpose"], shown["counts"]) == ("refresh", {"repair": 1})
    assert found.stderr.splitlines()[0] == "Drift in stack test: 1 to repair, 1 unchanged"
    assert found.stderr.splitlines()[-1] == "The state is up to date; `optout up` repairs what has drifted."

    planned = project.run("preview", "--no-refresh")
    assert planned.stdout.splitlines()[2] == (
        f"  ! repair  {label_of(DOMAIN, 'caller-1')}  config/people.yaml:3  "
        "EXPIRED in the service, should be OPTED_OUT"
    )
