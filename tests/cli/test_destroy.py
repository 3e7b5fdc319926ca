import json
import os

from optout.cli.exit_codes import ExitCode
from tests.cli.projects import Project, label_of
from tests.service.running import Service

FORGOTTEN = "no longer in the register; stays as it is in the service"


def test_people_are_forgotten_and_stay_opted_out(live: Project, service: Service, domain: str) -> None:
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    label = label_of(domain, "caller-1")
    one = live.run("destroy", "--yes", "--json", "--target", label)
    assert one.exit_code == ExitCode.DONE
    assert json.loads(one.stdout)["steps"] == [
        {"label": label, "action": "forget", "reason": FORGOTTEN, "place": "config/people.yaml:3"}
    ]
    rest = live.run("destroy", "--yes")
    assert (rest.exit_code, rest.stderr) == (ExitCode.DONE, "")
    assert rest.stdout == "Done: 1 person no longer managed; the service was not touched.\n"
    speakers = service.client().list_speakers(DomainId=domain)["SpeakerSummaries"]
    assert {speaker["Status"] for speaker in speakers} == {"OPTED_OUT"}
    assert len(speakers) == 2


def test_without_a_terminal_it_wants_a_yes(live: Project) -> None:
    result = live.run("destroy", answer="y\n")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "pass --yes" in result.stderr
    assert not os.path.lexists(live.root / ".optout")
