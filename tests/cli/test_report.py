import csv
import io
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.projects import DOMAIN, Project, label_of
from tests.evidence.repositories import Repo
from tests.service.running import Service
from tests.voiceid.scripted import Answer, scripted, summary
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.evidence import Signature, canonical
from voiceid_optout.evidence.document import Report

TEXT = """\
domain: sandbox
speakers:
- caller-1
- {id: caller-2, requested_on: 2026-01-02, ticket: about caller-2}
- {id: caller-3, review_on: 2026-01-02}
released:
- {id: caller-4, reason: consented again}
"""


@pytest.fixture
def reported(live: Project, service: Service, domain: str) -> Project:
    """Four people listed on 6 January 2026, two of them opted out, and one who is opted out and not listed."""
    repository = Repo(live.root).start()
    (live.root / "config" / "people.yaml").write_text(TEXT)
    (live.root / ".gitignore").write_text(".optout/\n*.json\n*.csv\n*.html\n")
    repository.commit()
    for name in ("caller-1", "caller-3", "caller-9"):
        service.client().opt_out_speaker(DomainId=domain, SpeakerId=name)
    service.seed(domain, "caller-2", "ENROLLED")
    return live


def read(path: Path) -> tuple[Report, dict[str, Any]]:
    with path.open("rb") as file:
        report = Report(file)
        rows = {row.label: row for row in report}
    return report, rows


def test_everybody_is_told_of_with_the_times_of_all_three(reported: Project, domain: str) -> None:
    path = reported.root / "report.json"
    result = reported.run("report", "--json", str(path))
    assert result.exit_code == ExitCode.OVERDUE
    assert result.stderr == ""
    first, counts, head, january, *rest = result.stdout.splitlines()
    assert first.startswith("Report of stack test, 20")
    assert counts == (
        "  sandbox: 4 people, 3 as asked, 1 released, 1 not as asked, 1 overdue, 1 opted out and not listed, "
        "1 to be reviewed"
    )
    assert (head.split()[:3], january.split()[:4]) == (["month", "asked", "listed"], ["2026-01", "3", "3", "0"])
    label = label_of(domain, "caller-2")
    assert "Overdue, not opted out after more than 30 days: 1" in rest
    assert f"  {label}  config/people.yaml:4  asked 2026-01-02, ENROLLED in the service" in rest
    report, rows = read(path)
    assert rest[-2:] == [f"Root: {report.root}, not signed", f"Wrote {path}."]
    head_commit = Repo(reported.root).git("rev-parse", "HEAD")
    assert (report.header.people, report.header.commit, report.header.previous) == (5, head_commit, None)
    row = rows[label]
    assert (row.listed_at, row.listed_in, row.applied_at) == ("2026-01-06T09:00:00Z", head_commit, None)
    assert row.ticket == "about …"
    applied = rows[label_of(domain, "caller-1")].applied_at
    assert applied is not None
    assert applied <= rows[label_of(domain, "caller-1")].verified_at <= report.header.made_at
    assert (rows[label_of(domain, "caller-9")].ensure, rows[label_of(domain, "caller-4")].status) == (None, None)


def test_the_time_of_the_opt_out_stays_when_it_is_repeated_and_with_shards(
    reported: Project, service: Service, domain: str
) -> None:
    path = reported.root / "report.json"
    reported.run("report", "--json", str(path))
    before = read(path)[1][label_of(domain, "caller-1")].applied_at
    service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-1")
    with (reported.root / "Pulumi.test.yaml").open("a") as file:
        file.write("  voiceid-optout:grouping: sharded\n")
    reported.run("report", "--json", str(path))
    assert read(path)[1][label_of(domain, "caller-1")].applied_at == before


def test_no_form_names_anybody_without_reveal(reported: Project) -> None:
    files = [reported.root / name for name in ("report.json", "report.csv", "report.html")]
    result = reported.run("report", "--json", str(files[0]), "--csv", str(files[1]), "--html", str(files[2]))
    for text in (result.output, result.stderr, *(file.read_text() for file in files)):
        assert "caller-" not in text
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o644] * 3


@pytest.mark.parametrize(
    ("speaker", "ticket", "shown"),
    [
        ("caller-1", "caller-1", "…"),
        ("caller-1", "CALLER-1", "…"),
        ("caller-1", "PRIV-1", "PRIV-1"),
        ("caller-1", "\uff43aller-1", "…"),
        ("'id#0123456789abcdefghijkl'", "0123456789abcdefghijkl", "…"),
        ("a-very-long-identifier-of-somebody", "id#0123456789abcdefghijkl", "…"),
        ("a-very-long-identifier-of-somebody", "PRIV-1", "PRIV-1"),
    ],
)
def test_a_ticket_shows_no_identifier_however_short_it_is(
    live: Project, speaker: str, ticket: str, shown: str
) -> None:
    text = f"domain: sandbox\nspeakers:\n- {{id: {speaker}, ticket: '{ticket}'}}\n"
    (live.root / "config" / "people.yaml").write_text(text, encoding="utf-8")
    live.run("report", "--json", str(live.root / "report.json"))
    [row] = read(live.root / "report.json")[1].values()
    assert row.ticket == shown


def test_reveal_shows_the_registers_ids_to_the_owner_and_never_in_the_document(
    reported: Project, domain: str
) -> None:
    files = [reported.root / name for name in ("report.json", "report.csv", "report.html")]
    result = reported.run(
        "report", "--json", str(files[0]), "--csv", str(files[1]), "--html", str(files[2]), "--reveal"
    )
    assert "caller-" not in result.output + files[0].read_text()
    with files[1].open(newline="") as file:
        table = {row["label"]: row["speaker_id"] for row in csv.DictReader(file)}
    assert table[label_of(domain, "caller-1")] == "caller-1"
    assert table[label_of(domain, "caller-9")] == ""  # not from the local register
    page = files[2].read_text()
    assert "caller-1" in page
    assert "caller-9" not in page
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o644, 0o600, 0o600]


def test_standard_output_takes_one_form_alone(reported: Project) -> None:
    result = reported.run("report", "--csv", "-")
    assert [len(row) for row in csv.reader(io.StringIO(result.stdout))] == [14] * 6
    assert result.stderr.startswith("Report of stack test")
    both = reported.run("report", "--csv", "-", "--json", "-")
    assert (both.exit_code, "need a place each" in both.stderr) == (ExitCode.USAGE, True)
    same = reported.run("report", "--csv", "a.json", "--json", "./a.json")
    assert same.exit_code == ExitCode.USAGE


def test_a_report_names_the_one_before(reported: Project) -> None:
    first, second, third = (reported.root / f"{number}.json" for number in (1, 2, 3))
    reported.run("report", "--json", str(first))
    reported.run("report", "--json", str(second), "--previous", str(first))
    assert read(second)[0].header.previous == read(first)[0].root
    reported.run("report", "--json", str(third), "--previous", read(second)[0].root)
    assert read(third)[0].header.previous == read(second)[0].root


def test_a_report_before_that_was_changed_or_is_another_stacks_is_refused(reported: Project) -> None:
    path = reported.root / "1.json"
    reported.run("report", "--json", str(path))
    text = path.read_text()
    forged = canonical(Signature("ab" * 32, "cd" * 64)).decode()
    cases = [
        (text.replace("OPTED_OUT", "ENROLLED", 1), ExitCode.NOT_VERIFIED),
        (text.replace('"signature":null', f'"signature":{forged}'), ExitCode.NOT_VERIFIED),
        ("{}", ExitCode.NOT_VERIFIED),
        (None, ExitCode.USAGE),
    ]
    for changed, code in cases:
        if changed is None:
            path.unlink()
        else:
            path.write_text(changed)
        result = reported.run("report", "--previous", str(path))
        assert (result.exit_code, result.stdout) == (code, "")
        assert result.stderr.startswith("error: --previous")
    path.write_text(text)
    (reported.root / "Pulumi.other.yaml").write_text((reported.root / "Pulumi.test.yaml").read_text())
    other = reported.run("report", "--previous", str(path), "--stack", "other")
    assert other.stderr == "error: --previous is the report of another project or stack\n"


def test_the_days_are_a_choice(reported: Project) -> None:
    assert reported.run("report", "--overdue-days", "36500").exit_code == ExitCode.DONE
    assert reported.run("report", "--overdue-days", "-1").exit_code == ExitCode.USAGE


def test_a_register_that_is_not_committed_has_no_commit(reported: Project, domain: str) -> None:
    with (reported.root / "config" / "people.yaml").open("a") as file:
        file.write("- {id: caller-5, reason: consented}\n")
    path = reported.root / "report.json"
    result = reported.run("report", "--json", str(path), "--quiet")
    assert "not committed" in result.output
    report, rows = read(path)
    assert report.header.commit is None
    assert rows[label_of(domain, "caller-5")].listed_at is None
    assert rows[label_of(domain, "caller-1")].listed_at == "2026-01-06T09:00:00Z"


def test_what_is_no_register_file_is_no_change_of_the_register(reported: Project) -> None:
    for name in ("notes.txt", ".people.yaml"):
        (reported.root / "config" / name).write_text("not a register")
    path = reported.root / "report.json"
    assert "not committed" not in reported.run("report", "--json", str(path)).output
    assert read(path)[0].header.commit is not None


def test_without_git_it_says_so(live: Project) -> None:
    result = live.run("report")
    assert (result.exit_code, "no Git history here" in result.stdout) == (ExitCode.DONE, True)


def test_reports_are_signed_where_the_stack_has_a_key(reported: Project) -> None:
    reported.environment.pop("CI", None)
    made = reported.run("keys", "new")
    assert made.exit_code == ExitCode.DONE, made.output
    path = reported.root / "report.json"
    page = reported.root / "report.html"
    result = reported.run("report", "--json", str(path), "--html", str(page))
    report, _ = read(path)
    assert report.signature is not None
    assert report.root in page.read_text()
    assert report.signature.public_key in page.read_text()
    assert report.signature.public_key in made.stdout
    assert f"Root: {report.root}, signed" in result.stdout


def test_a_file_that_cannot_be_written_is_said(reported: Project) -> None:
    (reported.root / "full").write_text("no folder")
    result = reported.run("report", "--json", str(reported.root / "full" / "report.json"))
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.splitlines()[-1].startswith("error: cannot write ")


def test_an_invalid_register_ends_it_before_the_service_is_asked(project: Project) -> None:
    (project.root / "config" / "people.yaml").write_text("speakers: [caller-1, caller-1]\n")
    result = project.run("report", "--stack", "test")
    assert (result.exit_code, result.stdout) == (ExitCode.REGISTER_INVALID, "")


def test_only_speakers_are_listed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    asked: list[str] = []

    def answer(operation: str, _body: dict[str, Any]) -> Answer:
        asked.append(operation)
        return Answer({"SpeakerSummaries": [summary("caller-1", f"id#{1:022}")]})

    with scripted(answer) as server:
        project.configure(
            endpoint=server.url, region="us-east-1", domains={"sandbox": DOMAIN}, quotas={"list": 1000}
        )
        result = project.run("report", "--stack", "test")
    assert (result.exit_code, asked) == (ExitCode.DONE, ["ListSpeakers"])


def test_a_domain_that_the_service_lacks_matters_where_somebody_is_listed(reported: Project, domain: str) -> None:
    text = (reported.root / "Pulumi.test.yaml").read_text()
    other = "Z" * 22
    (reported.root / "Pulumi.test.yaml").write_text(
        text.replace(f"sandbox: {domain}", f"sandbox: {domain}\n    other: {other}")
    )
    result = reported.run("report")
    assert f"the service has no domain {other}" in result.stdout
    assert result.exit_code == ExitCode.OVERDUE
    (reported.root / "config" / "other.yaml").write_text("domain: other\nspeakers: [caller-1]\n")
    result = reported.run("report", "--json", str(reported.root / "report.json"))
    assert (result.exit_code, result.stdout.count("Report of")) == (ExitCode.FAILED, 0)
    assert not (reported.root / "report.json").exists()
