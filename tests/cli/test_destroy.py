"""What ``optout destroy`` asks for before everybody is forgotten."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from tests.cli.projects import DOMAIN, Project, digest_in, label_of
from voiceid_optout.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from tests.cli.engines import ModelEngine

EMPTIED = "2 people would no longer be managed, and nobody would be left"
FORGOTTEN = "the stack is destroyed; the opt-out stays in the service"


def test_yes_is_not_enough_to_forget_everybody(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    before = dict(model.state)
    refused = project.run("destroy", "--yes")
    assert refused.exit_code == ExitCode.REFUSED
    assert refused.stdout.startswith("Plan to destroy stack test: 2 to stop managing, 0 unchanged\n")
    digest = digest_in(refused.stdout)
    assert refused.stderr == (
        f"error: refused by the guard, nothing was changed: {EMPTIED}. "
        f"If exactly this is meant: optout destroy --stack test --cwd '{project.root}' --approve {digest}\n"
    )
    assert model.state == before


def test_an_approved_plan_is_done_and_people_stay_opted_out(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    shown = project.run("destroy", "--preview")
    assert (shown.exit_code, shown.stderr) == (ExitCode.DONE, "")
    assert shown.stdout.splitlines()[2] == (
        f"  · stop managing  {label_of(DOMAIN, 'caller-1')}  config/people.yaml:3  {FORGOTTEN}"
    )
    assert f"The guard would refuse this: {EMPTIED}." in shown.stdout
    done = project.run("destroy", "--approve", digest_in(shown.stdout))
    assert (done.exit_code, done.stderr) == (ExitCode.DONE, "")
    assert done.stdout.splitlines()[-3:] == [
        f"Approved although the guard would refuse it: {EMPTIED}.",
        "No longer managed: 2 of 2",
        "Done: 2 people no longer managed; opt-outs stay in the service.",
    ]
    assert list(model.service.values()) == ["OPTED_OUT", "OPTED_OUT"]
    assert model.state == {}


def test_an_approval_holds_for_the_people_it_was_given_for(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    digest = digest_in(project.run("destroy", "--preview").stdout)
    project.people("caller-1", "caller-2", "caller-3")
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    stale = project.run("destroy", "--approve", digest)
    assert stale.exit_code == ExitCode.STALE
    assert f"{digest} was reviewed" in stale.stderr


def test_an_approval_to_empty_the_register_is_none_to_destroy(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    project.people()
    digest = digest_in(project.run("preview").stdout)
    assert project.run("destroy", "--approve", digest).exit_code == ExitCode.STALE
    assert project.run("up", "--approve", digest).exit_code == ExitCode.DONE


def test_a_few_named_people_need_no_approval(project: Project, model: ModelEngine) -> None:
    assert project.run("up", "--yes").exit_code == ExitCode.DONE
    label = label_of(DOMAIN, "caller-1")
    one = project.run("destroy", "--yes", "--json", "--target", label)
    assert one.exit_code == ExitCode.DONE
    done = json.loads(one.stdout.splitlines()[-1])
    assert (done["result"], done["errors"], done["plan"]["purpose"]) == ("succeeded", [], "destroy")
    assert done["plan"]["unchanged"] == 1
    assert done["plan"]["steps"] == [
        {
            "label": label,
            "domain": "DomainDomainDomain0001",
            "type": "person",
            "action": "forget",
            "change": {"field": "ensure", "before": "opted_out", "after": None},
            "reason": FORGOTTEN,
            "because": None,
            "place": "config/people.yaml:3",
            "formerly": None,
        }
    ]
    assert project.run("destroy", "--preview", "--json").stdout.count('"label"') == 1


def test_nobody_to_forget_needs_no_approval(project: Project, model: ModelEngine) -> None:
    done = project.run("destroy", "--yes")
    assert (done.exit_code, done.stderr) == (ExitCode.DONE, "")
    assert done.stdout.splitlines()[-1] == "Done: 0 people no longer managed; opt-outs stay in the service."


def test_without_a_terminal_it_wants_a_yes(project: Project, model: ModelEngine) -> None:
    result = project.run("destroy", answer="y\n")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert "pass --yes" in result.stderr
    assert not os.path.lexists(project.root / ".optout")


SAM, KIM = "sp-00000000000005a1", "sp-00000000000005a2"
