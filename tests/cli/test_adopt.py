import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.projects import DOMAIN, Project
from tests.service.running import Service
from tests.voiceid.scripted import Answer, Scripted, failure, scripted, summary
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.voiceid.client import Client

PAGES = 3


@pytest.fixture
def crowded(live: Project, service: Service, domain: str) -> Project:
    """Four people opted out in the service, one of them known to the register, and one enrolled."""
    for number in (1, 3, 4, 5):
        service.client().opt_out_speaker(DomainId=domain, SpeakerId=f"caller-{number}")
    service.seed(domain, "caller-6", "ENROLLED")
    return live


def register(project: Project) -> str:
    return (project.root / "config" / "people.yaml").read_text()


def page(number: int) -> Answer:
    """One of three pages of a domain: a known person, one without a name of the customer's, one enrolled."""
    people = [
        summary(f"caller-{number}", f"id#{number:022}"),
        summary(None, f"id#{number + 100:022}"),
        summary(f"other-{number}", f"id#{number + 200:022}", "ENROLLED"),
    ]
    return Answer({"SpeakerSummaries": people} | ({"NextToken": f"to-{number + 1}"} if number < PAGES else {}))


@pytest.fixture
def scripted_project(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Project, Scripted]]:
    """A project whose service gives three pages, until a test decides otherwise."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with scripted(answer) as server:
        fast = {"list": 1000}
        domains = {"sandbox": DOMAIN}
        project.configure(endpoint=server.url, region="us-east-1", domain="sandbox", domains=domains, quotas=fast)
        yield Project(project.root, {**project.environment, "PULUMI_STACK": "test"}), server


def answer(_operation: str, body: dict[str, Any]) -> Answer:
    return page(int(body.get("NextToken", "to-1").removeprefix("to-")))


def kept(project: Project) -> Path:
    return project.root / ".optout" / f"adopt-{DOMAIN}.jsonl"


def test_who_is_opted_out_gets_an_entry(crowded: Project) -> None:
    before = register(crowded)
    result = crowded.run("adopt")
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.splitlines() == [
        "Read 5 speakers: 4 opted out.",
        "Adopted 3 people: config/people.yaml:5 to 7; 1 was listed already.",
        "Next: `optout preview` shows what this changes, and `optout up` does it.",
    ]
    assert register(crowded) == before + "- caller-3\n- caller-4\n- caller-5\n"
    assert list((crowded.root / ".optout").glob("adopt-*")) == []
    again = crowded.run("adopt")
    assert again.stdout.splitlines()[1:] == ["Adopted 0 people; 4 were listed already.", "Nothing changed."]


def test_the_others_become_comments_that_a_later_run_renews(
    crowded: Project, service: Service, domain: str
) -> None:
    assert "1 person not opted out listed as a comment" in crowded.run("adopt", "--include-enrolled").stdout
    assert "# - caller-6  # ENROLLED\n# end of those not" in register(crowded)
    assert crowded.run("adopt", "--include-enrolled").stdout.endswith("Nothing changed.\n")
    service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-6")
    assert crowded.run("adopt", "--include-enrolled").exit_code == ExitCode.DONE
    assert register(crowded).endswith("- caller-5\n- caller-6\n")


def test_whom_the_register_releases_is_left_and_told(crowded: Project) -> None:
    crowded.people("caller-1", released={"caller-3": "consented"})
    result = crowded.run("adopt")
    assert "1 of them is under `released`" in result.stdout
    assert register(crowded).count("caller-3") == 1


def test_a_domain_without_a_file_gets_one(crowded: Project, domain: str) -> None:
    people = crowded.root / "config" / "people.yaml"
    people.unlink()
    (people.parent / "optouts.schema.json").touch()
    subprocess.run(["git", "init", "-q"], cwd=crowded.root, check=True)
    result = crowded.run("adopt", "--domain", domain)
    assert "Next: look at it (`git add -N config/sandbox.yaml`, `git diff`)" in result.stdout
    assert (people.parent / "sandbox.yaml").read_text() == (
        "# yaml-language-server: $schema=optouts.schema.json\ndomain: sandbox\nspeakers:\n"
        "  - caller-1\n  - caller-3\n  - caller-4\n  - caller-5\n"
    )
    assert crowded.run("validate").exit_code == ExitCode.DONE


def test_a_register_that_is_not_there_is_made(crowded: Project) -> None:
    (crowded.root / "config" / "people.yaml").unlink()
    (crowded.root / "config").rmdir()
    assert crowded.run("adopt", "--file", "config/all.yaml").exit_code == ExitCode.DONE
    assert (
        (crowded.root / "config" / "all.yaml").read_text().startswith("domain: sandbox\nspeakers:\n  - caller-1\n")
    )


def test_a_dry_run_leaves_nothing_on_disk(
    scripted_project: tuple[Project, Scripted],
) -> None:
    project, server = scripted_project
    before = register(project)
    result = project.run("adopt", "--dry-run")
    assert result.stdout.splitlines()[:5] == [
        *["Read 9 speakers: 6 opted out.", "--- a/config/people.yaml", "+++ b/config/people.yaml"],
        *["@@ -2,3 +2,7 @@", " speakers:"],
    ]
    assert "caller" not in result.output
    assert register(project) == before
    assert len(server.calls) == PAGES
    assert not kept(project).parent.exists()
    assert project.run("adopt").exit_code == ExitCode.DONE
    assert len(server.calls) == 2 * PAGES
    assert not kept(project).exists()
    added = ["id#0000000000000000000101", "id#0000000000000000000102", "caller-3", "id#0000000000000000000103"]
    assert register(project) == before + "".join(f"- {id_}\n" for id_ in added)


def test_a_dry_run_that_fails_leaves_nothing_on_disk(scripted_project: tuple[Project, Scripted]) -> None:
    project, server = scripted_project
    cut_short(server)
    result = project.run("adopt", "--dry-run")
    assert result.exit_code == ExitCode.FAILED
    assert "run this again to go on" not in result.stderr
    assert not kept(project).parent.exists()


def cut_short(server: Scripted) -> None:
    """Let the service fail at the third page."""
    server.script = lambda operation, body: (
        failure("AccessDeniedException") if body.get("NextToken") == "to-3" else answer(operation, body)
    )


def test_a_run_that_was_cut_short_goes_on(scripted_project: tuple[Project, Scripted]) -> None:
    project, server = scripted_project
    cut_short(server)
    result = project.run("adopt")
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.endswith("; 2 pages are kept, run this again to go on\n")
    assert stat.S_IMODE(kept(project).stat().st_mode) == 0o600
    with kept(project).open("a") as file:
        file.write('{"next": "to-4", "spea')  # killed while it wrote
    server.script = answer
    server.calls.clear()
    result = project.run("adopt")
    assert result.exit_code == ExitCode.DONE
    assert result.stderr.startswith("Going on after 2 pages that an earlier run has read.\n")
    assert [body.get("NextToken") for _, body in server.calls] == ["to-3"]
    assert "Read 9 speakers: 6 opted out." in result.stdout


def test_ctrl_c_keeps_what_was_read(
    scripted_project: tuple[Project, Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, server = scripted_project
    real = Client.list_page

    def interrupted(self: Client, domain_id: str, token: str | None = None) -> Any:
        if token == "to-2":
            raise KeyboardInterrupt
        return real(self, domain_id, token)

    with monkeypatch.context() as patch:
        patch.setattr(Client, "list_page", interrupted)
        result = project.run("adopt")
    assert (result.exit_code, result.stderr) == (
        ExitCode.FAILED,
        "error: interrupted; run the command again to go on\n",
    )
    assert project.run("adopt").exit_code == ExitCode.DONE
    assert len(server.calls) == PAGES


def test_a_token_that_the_service_forgot_starts_the_walk_anew(scripted_project: tuple[Project, Scripted]) -> None:
    project, server = scripted_project
    cut_short(server)
    assert project.run("adopt").exit_code == ExitCode.FAILED
    server.calls.clear()
    server.script = lambda operation, body: (
        failure("ValidationException") if body.get("NextToken") and len(server.calls) == 1
        else answer(operation, body)
    )  # fmt: skip
    result = project.run("adopt")
    assert result.exit_code == ExitCode.DONE
    assert "The service does not go on where the earlier run ended: starting anew." in result.stderr
    assert len(server.calls) == 1 + PAGES
    server.script = lambda *_: failure("ValidationException")
    assert project.run("adopt").exit_code == ExitCode.FAILED


def test_pages_of_yesterday_are_not_used(scripted_project: tuple[Project, Scripted]) -> None:
    project, server = scripted_project
    cut_short(server)
    assert project.run("adopt").exit_code == ExitCode.FAILED
    server.script = answer
    server.calls.clear()
    header, *pages = kept(project).read_text().splitlines(keepends=True)
    old = json.loads(header)
    old["started"] -= 25 * 3600
    kept(project).write_text(json.dumps(old) + "\n" + "".join(pages))
    result = project.run("adopt")
    assert "older than a day: starting anew" in result.stderr
    assert len(server.calls) == PAGES


def test_what_is_wrong_is_said_before_the_walk(scripted_project: tuple[Project, Scripted]) -> None:
    project, server = scripted_project
    folder = project.root / "config"
    for arguments, told in (
        (["--domain", "nonsense"], "--domain is neither a domain id nor an alias; known are sandbox"),
        (["--file", "notes.txt"], "--file notes.txt would be no file of the register: choose config/NAME.yaml"),
        (["--file", "elsewhere/a.yaml"], "--file elsewhere/a.yaml would be no file of the register"),
        (["--file", "people.yaml", "--domain", DOMAIN[::-1]], "config/people.yaml is about another domain"),
    ):
        result = project.run("adopt", *arguments)
        assert (result.exit_code, told in result.stderr) == (ExitCode.USAGE, True), result.stderr
    (folder / "more.yaml").write_text("speakers: []\n")
    result = project.run("adopt")
    assert "choose one with --file: config/more.yaml, config/people.yaml" in result.stderr
    (folder / "more.yaml").write_text("speakers: [no id]\n")
    assert project.run("adopt").exit_code == ExitCode.REGISTER_INVALID
    (folder / "more.yaml").unlink()
    project.configure(domains={"people": DOMAIN[::-1], "sandbox": DOMAIN})
    result = project.run("adopt")
    assert "say which domain: --domain, or voiceid-optout:domain in the stack" in result.stderr
    result = project.run("adopt", "--domain", "people")
    assert "config/people.yaml is about another domain: say where to with --file" in result.stderr
    assert server.calls == []


def test_a_stack_that_says_nothing_of_a_region(project: Project) -> None:
    project.configure(domain="sandbox", domains={"sandbox": DOMAIN})
    result = project.run("adopt", "--stack", "test")
    assert result.exit_code == ExitCode.USAGE
    assert "no region" in result.stderr
