import json

from tests.cli.projects import Project, digest_in, label_of
from tests.service.running import Service
from voiceid_optout.cli.exit_codes import ExitCode

EMPTIED = "2 people would no longer be managed, and nobody would be left"
FORGOTTEN = "the stack is destroyed; the opt-out stays in the service"


def statuses(service: Service, domain: str) -> list[str]:
    return [item["Status"] for item in service.client().list_speakers(DomainId=domain)["SpeakerSummaries"]]


def test_yes_is_not_enough_to_forget_everybody(live: Project) -> None:
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    before = live.state_file.read_bytes()
    refused = live.run("destroy", "--yes")
    assert refused.exit_code == ExitCode.REFUSED
    assert refused.stdout.startswith("Plan to destroy stack test: 2 to stop managing, 0 unchanged\n")
    digest = digest_in(refused.stdout)
    assert refused.stderr == (
        f"error: refused by the guard, nothing was changed: {EMPTIED}. "
        f"If exactly this is meant: optout destroy --stack test --cwd '{live.root}' --approve {digest}\n"
    )
    assert live.state_file.read_bytes() == before


def test_an_approved_plan_is_done_and_people_stay_opted_out(live: Project, service: Service, domain: str) -> None:
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    shown = live.run("destroy", "--preview")
    assert (shown.exit_code, shown.stderr) == (ExitCode.DONE, "")
    assert shown.stdout.splitlines()[2] == (
        f"  · stop managing  {label_of(domain, 'caller-1')}  config/people.yaml:3  {FORGOTTEN}"
    )
    assert f"The guard would refuse this: {EMPTIED}." in shown.stdout
    done = live.run("destroy", "--approve", digest_in(shown.stdout))
    assert (done.exit_code, done.stderr) == (ExitCode.DONE, "")
    assert done.stdout.splitlines()[-3:] == [
        f"Approved although the guard would refuse it: {EMPTIED}.",
        "No longer managed: 2 of 2",
        "Done: 2 people no longer managed; opt-outs stay in the service.",
    ]
    assert statuses(service, domain) == ["OPTED_OUT", "OPTED_OUT"]


def test_a_few_named_people_need_no_approval(live: Project, domain: str) -> None:
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    label = label_of(domain, "caller-1")
    one = live.run("destroy", "--yes", "--json", "--target", label)
    assert one.exit_code == ExitCode.DONE
    done = json.loads(one.stdout.splitlines()[-1])
    assert (done["result"], done["errors"], done["plan"]["purpose"]) == ("succeeded", [], "destroy")
    assert done["plan"]["unchanged"] == 1
    assert done["plan"]["steps"] == [
        {
            "label": label,
            "domain": domain,
            "type": "person",
            "action": "forget",
            "change": {"field": "ensure", "before": "opted_out", "after": None},
            "reason": FORGOTTEN,
            "because": None,
            "place": "config/people.yaml:3",
            "formerly": None,
        }
    ]
    assert live.run("destroy", "--preview", "--json").stdout.count('"label"') == 1
