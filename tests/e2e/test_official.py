"""The project with the Pulumi CLI itself: the raw command, and `optout` on either engine, in turns on one stack."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e import copies
from tests.e2e.commands import eventually, optout_command
from tests.e2e.copies import SANDBOX, Copy
from tests.e2e.services import Service, opted_out, serving
from tests.e2e.test_generated_ids import moves_on
from tests.e2e.test_leaks import leaking_files, nobody_is_named
from voiceid_optout.register import Ensure, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.commands import Finished

PULUMI = shutil.which("pulumi")
pytestmark = [
    pytest.mark.official,
    pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH"),
]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Copy]:
    """Give a copy in which the CLI finds its virtual environment."""
    folder = Path(PULUMI or "").parent
    made = copies.sandbox(
        tmp_path / "opt outs",
        PATH=f"{folder}:/usr/bin:/bin",
        PULUMI_HOME=str(tmp_path / "pulumi home"),
        PULUMI_SKIP_UPDATE_CHECK="true",
        OPTOUT_ENGINE="auto",
    )
    (made.root / ".venv").symlink_to(sys.prefix)
    yield made
    eventually(lambda: not made.shell.processes(), "all processes of the test have ended")


@pytest.fixture
def served(project: Copy) -> Iterator[Service]:
    """Give the sandbox's service, started by hand as `optout env` asks for."""
    data = project.root / ".optout" / "service"
    with serving(project.shell, data, "--domain", f"{SANDBOX}=sandbox") as service:
        yield service


def pulumi(project: Copy, *arguments: str, code: int = 0) -> Finished:
    """Run the raw CLI as a user would, after evaluating what `optout env` prints."""
    env = shlex.join(optout_command("env"))
    script = f'eval "$({env})" && exec pulumi "$@" --non-interactive --color never'
    finished = project.shell.run("/bin/bash", "-c", script, "pulumi", *arguments)
    assert finished.code == code, finished.output
    return finished


def done(project: Copy, engine: str, *arguments: str, code: int = 0) -> Finished:
    """Run `optout` on one of the engines."""
    finished = project.optout(*arguments, "--engine", engine)
    assert finished.code == code, finished.output
    return finished


def digest_in(finished: Finished) -> str:
    return finished.out.partition("Digest: ")[2].split()[0]


def destroy(project: Copy, engine: str, *, planned_by: str) -> Finished:
    """Destroy on one engine what another one planned."""
    digest = digest_in(done(project, planned_by, "destroy", "--preview"))
    assert digest_in(done(project, engine, "destroy", "--yes", code=6)) == digest
    return done(project, engine, "destroy", "--approve", digest)


def plan_rows(finished: Finished) -> list[str]:
    return [line for line in finished.out.splitlines() if " sp-" in line]


def listed(project: Copy) -> list[str]:
    register = load(project.root / "config", domains={"sandbox": SANDBOX}, default_domain=None)
    return [entry.speaker_id for entry in register.entries if entry.ensure is Ensure.OPTED_OUT]


def test_raw_cli_does_it_all(project: Copy, served: Service) -> None:
    people = listed(project)
    preview = pulumi(project, "preview")
    assert f"{len(people) + 2} to create" in preview.out  # with the released one and the stack itself
    assert served.statuses(SANDBOX) == {}
    pulumi(project, "up", "--yes", "--skip-preview")
    assert served.statuses(SANDBOX) == opted_out(people)
    pulumi(project, "refresh", "--preview-only", "--expect-no-changes")
    pulumi(project, "preview", "--expect-no-changes")

    served.seed(SANDBOX, people[0], "ENROLLED", recreate=True)
    served.delete(SANDBOX, people[1])
    pulumi(project, "refresh", "--preview-only", "--expect-no-changes", code=7)
    pulumi(project, "up", "--yes", "--skip-preview", "--refresh")
    assert served.statuses(SANDBOX) == opted_out(people)
    pulumi(project, "destroy", "--yes", "--skip-preview")
    assert served.statuses(SANDBOX) == opted_out(people)


def test_engines_take_turns_on_one_stack(project: Copy, served: Service) -> None:
    people = [f"caller-{n:06}" for n in range(8)]
    project.write(people, {"caller-000099": "consented again"})
    assert "Done: 8 opted out, 1 released." in done(project, "embedded", "up", "--yes").out
    pulumi(project, "preview", "--expect-no-changes")
    pulumi(project, "refresh", "--preview-only", "--expect-no-changes")
    assert "Nothing changed" in done(project, "pulumi", "up", "--yes").out
    assert "Nothing changed" in done(project, "embedded", "up", "--yes").out

    served.delete(SANDBOX, people[0])
    served.seed(SANDBOX, people[1], "ENROLLED")
    served.seed(SANDBOX, "caller-000099", "ENROLLED")
    rows = plan_rows(done(project, "pulumi", "drift", code=5))
    assert len(rows) == 3
    assert plan_rows(done(project, "embedded", "drift", code=5)) == rows
    assert "Done: 3 repaired." in done(project, "pulumi", "up", "--yes").out
    assert served.statuses(SANDBOX) == opted_out(people)
    done(project, "embedded", "drift")

    served.seed(SANDBOX, people[2], "EXPIRED")
    done(project, "pulumi", "refresh")
    assert "Done: 1 repaired." in done(project, "embedded", "up", "--yes", "--no-refresh").out

    # A line less, a new one and a release, planned by one engine and done by the other.
    project.write([*people[2:], "caller-000010"], {"caller-000099": "consented again", people[1]: "consented"})
    rows = plan_rows(done(project, "embedded", "preview"))
    assert len(rows) == 3
    assert plan_rows(done(project, "pulumi", "preview")) == rows
    pulumi(project, "up", "--yes", "--skip-preview")
    assert "Nothing changed" in done(project, "embedded", "up", "--yes").out
    assert served.statuses(SANDBOX) == opted_out([people[0], *people[2:], "caller-000010"])

    destroy(project, "embedded", planned_by="pulumi")
    assert "Done: 7 opted out, 2 released." in done(project, "pulumi", "up", "--yes").out
    pulumi(project, "stack", "history")
    assert "Done: 9 people no longer managed" in destroy(project, "pulumi", planned_by="embedded").out
    assert served.statuses(SANDBOX) == opted_out([people[0], *people[2:], "caller-000010"])


def test_no_identifier_leaves_through_the_cli(project: Copy, served: Service) -> None:
    person = "unmistakable-speaker-7Q9xZ"
    project.write([person, "caller-000001"])
    finished = [pulumi(project, "preview", "--diff"), pulumi(project, "up", "--yes", "--skip-preview")]
    served.seed(SANDBOX, person, "ENROLLED", recreate=True)
    finished += [
        pulumi(project, "refresh", "--preview-only", "--diff"),
        pulumi(project, "up", "--yes", "--skip-preview", "--refresh", "--json"),
        pulumi(project, "stack", "export"),
        done(project, "pulumi", "drift"),
    ]
    served.hook(f"/domains/{SANDBOX}/suspend")
    project.write([person, "caller-000001", f"{person}-2"])
    finished += [
        pulumi(project, "up", "--yes", "--skip-preview", code=1),
        done(project, "pulumi", "up", "--yes", code=1),
    ]
    assert [one.output for one in finished if person in one.output] == []
    found = leaking_files(project.root)
    assert {name for name in found if not name.startswith(".optout/service/")} == {"config/people.yaml"}
    assert leaking_files(project.root.parent / "pulumi home") == set()


@pytest.mark.parametrize("engine", ["pulumi", "embedded"])
def test_who_is_as_the_state_says_is_read_once_a_run(project: Copy, served: Service, engine: str) -> None:
    project.write([f"caller-{n}" for n in range(4)])
    done(project, engine, "up", "--yes")
    before = served.answered("DescribeSpeaker")
    assert "4 unchanged" in done(project, engine, "up", "--yes").out
    assert served.answered("DescribeSpeaker") - before == 4
    served.seed(SANDBOX, "caller-1", "ENROLLED")
    assert "Done: 1 repaired." in done(project, engine, "up", "--yes").out
    assert served.answered("DescribeSpeaker") - before == 12, "what the plan found is not in the state yet"


def test_failure_is_one_clear_error_on_either_engine(project: Copy, served: Service) -> None:
    project.write([f"caller-{n:06}" for n in range(20)])
    done(project, "pulumi", "up", "--yes")
    served.hook(f"/domains/{SANDBOX}/suspend")
    project.write([f"caller-{n:06}" for n in range(40)])
    messages = [done(project, engine, "up", "--yes", code=1).err.splitlines() for engine in ("pulumi", "embedded")]
    assert [len(lines) for lines in messages] == [1, 1]
    assert all("is not active, so OptOutSpeaker is refused" in lines[0] for lines in messages)
    raw = pulumi(project, "up", "--yes", "--skip-preview", code=1)
    assert "is not active, so OptOutSpeaker is refused" in raw.output


def test_what_one_engine_planned_the_other_does_or_refuses(project: Copy, served: Service) -> None:
    people = [f"caller-{n:06}" for n in range(40)]
    project.write(people)
    done(project, "pulumi", "preview", "--save-plan", "plan.json", "--output", "plan.md")
    assert "40 to opt out" in (project.root / "plan.md").read_text(encoding="utf-8")
    assert "Done: 40 opted out." in done(project, "embedded", "up", "--plan", "plan.json").out
    stale = done(project, "pulumi", "up", "--plan", "plan.json", code=7)
    assert "nothing is left to do" in stale.err

    served.delete(SANDBOX, people[39])
    served.seed(SANDBOX, people[38], "ENROLLED")
    project.write([*people[13:], "caller-000099"])
    shown = done(project, "embedded", "preview", "--detailed-exitcode", code=6)
    refused = done(project, "pulumi", "up", "--yes", code=6)
    assert digest_in(refused) == digest_in(shown)
    assert "13 of 40 people (32.5 %, at most 30 % may) would be released or no longer managed" in refused.err
    assert people[39] not in served.statuses(SANDBOX)
    finished = done(project, "pulumi", "up", "--approve", digest_in(shown))
    assert "Done: 1 opted out, 2 repaired, 13 no longer managed." in finished.out
    assert served.statuses(SANDBOX) == opted_out([*people, "caller-000099"])


def test_a_state_of_before_moves_on(project: Copy, served: Service) -> None:
    moves_on(project, served, "pulumi")


@pytest.mark.parametrize("grouping", ["single", "sharded"])
def test_nobody_is_named_however(project: Copy, served: Service, grouping: str) -> None:
    with project.stack_file.open("a", encoding="utf-8") as file:
        file.write(f"  voiceid-optout:grouping: {grouping}\n")
    nobody_is_named(project, served, "pulumi")


def test_a_misspelled_setting_is_refused_by_the_program_too(project: Copy) -> None:
    """The raw command runs without `optout`, and knows nothing of our settings."""
    with project.stack_file.open("a", encoding="utf-8") as file:
        file.write("  voiceid-optout:gaurd: {maxLosses: 0}\n")
    (project.root / ".optout" / "state").mkdir(parents=True)
    script = 'pulumi login "file://$PWD/.optout/state" && pulumi stack init local && exec pulumi preview -s local'
    finished = project.shell.run("/bin/bash", "-c", script, env={"PULUMI_CONFIG_PASSPHRASE": "local"})
    assert finished.code != 0
    assert "voiceid-optout:gaurd is no setting: did you mean guard?" in finished.output
    assert "Traceback" not in finished.output


def test_the_runs_of_both_engines_are_told_in_one_story(project: Copy) -> None:
    """In the sandbox, which brings its own service; there is no Git, so the runs stand alone."""
    project.write(["caller-000001", "caller-000002"])
    done(project, "pulumi", "up", "--yes")
    done(project, "embedded", "up", "--yes")
    project.write(["caller-000001"], {"caller-000002": "asked for it"})
    done(project, "pulumi", "up", "--yes")
    project.write(["caller-000001"])
    done(project, "embedded", "up", "--yes")
    told = {}
    for person in ("caller-000001", "caller-000002"):
        shown = project.optout("show", person, "--offline", "--format", "json")
        if shown.code == 0:
            (story,) = json.loads(shown.out)["people"]
            told[person] = [(one["what"], one["succeeded"], one["plan"] is None) for one in story["moments"]]
    assert told == {"caller-000001": [("opted out in the service", True, False)]}
    project.write(["caller-000001", "caller-000002"])  # the runs know somebody whom the register lists again
    (story,) = json.loads(project.optout("show", "caller-000002", "--offline", "--format", "json").out)["people"]
    assert [one["what"] for one in story["moments"]] == [
        "opted out in the service",
        "released in the service",
        "no longer managed",
    ]
    assert all(one["plan"] for one in story["moments"])
