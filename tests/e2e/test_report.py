"""``optout report`` as a process: in a sandbox, with the keys of a preview, and with planted ids."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.evidence.document import Report

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.copies import Copy
    from tests.e2e.services import Service

PLANTED = ["planted-0017-alice", "planted-0018-bob", "planted-0019-carol", "planted-0020-dave"]
FORMS = ("report.json", "report.html", "report.csv")
ALL_FORMS = tuple(word for name in FORMS for word in (f"--{name.partition('.')[2]}", name))


def rows_of(path: Path) -> dict[str, str | None]:
    """Return the status by label."""
    with path.open("rb") as file:
        return {row.label: row.status for row in Report(file)}


def plant(copy: Copy) -> None:
    """Write ids into every place of a register that a report shows."""
    copy.write_raw(
        "domain: sandbox\nspeakers:\n"
        f"  - {{id: {PLANTED[0]}, requested_on: 2026-01-02, ticket: about {PLANTED[0]}, reason: {PLANTED[1]}}}\n"
        f"  - {{id: {PLANTED[1]}, ticket: '{PLANTED[0].upper()} and {PLANTED[1]}'}}\n"
        f"released:\n  - {{id: {PLANTED[2]}, reason: wrote as {PLANTED[2]}}}\n"
    )
    (copy.root / "config" / "people.yaml").rename(copy.root / "config" / f"{PLANTED[0]}.yaml")
    for words in (["init", "-q"], ["add", "config"], ["commit", "-q", "-m", f"List {PLANTED[0]}"]):
        who = ["-c", f"user.name={PLANTED[1]}", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *who, *words], cwd=copy.root, check=True)


def test_a_sandbox_reports_with_a_service_of_its_own(sandbox: Copy) -> None:
    before = sandbox.optout("report", "--json", "before.json")
    sandbox.up()
    after = sandbox.optout("report", "--json", "after.json", "--previous", "before.json")
    assert (after.code, after.err) == (ExitCode.DONE, "")
    assert set(rows_of(sandbox.root / "before.json").values()) == {None}
    assert {"OPTED_OUT"} <= set(rows_of(sandbox.root / "after.json").values()) <= {"OPTED_OUT", None}
    assert (
        before.code == ExitCode.OVERDUE
    )  # the sample's objections are older than a month, and nothing was applied


def test_no_planted_id_is_in_any_form_or_word(copy: Copy, service: Service) -> None:
    plant(copy)
    service.client.opt_out_speaker(DomainId=copy.domain_id, SpeakerId=PLANTED[0])
    service.client.opt_out_speaker(DomainId=copy.domain_id, SpeakerId=PLANTED[3])
    service.seed(copy.domain_id, PLANTED[1], "ENROLLED")
    said = copy.optout("report", *ALL_FORMS)
    assert said.code == ExitCode.DONE, said.output
    again = copy.optout("report", "--json", "-", "--previous", "report.json", "--overdue-days", "0")
    texts = [said.output, again.output, *((copy.root / name).read_text(encoding="utf-8") for name in FORMS)]
    fallen = copy.optout("report", *ALL_FORMS, env={"AWS_ENDPOINT_URL_VOICE_ID": "http://127.0.0.1:1"})
    assert fallen.code != ExitCode.DONE
    texts.append(fallen.output)
    for text in texts:
        assert "planted" not in text.lower()
    revealed = copy.optout("report", *ALL_FORMS, "--reveal")
    assert "planted" not in (revealed.output + (copy.root / "report.json").read_text(encoding="utf-8")).lower()
    for name in FORMS[1:]:
        text = (copy.root / name).read_text(encoding="utf-8")
        assert all(one in text for one in PLANTED[:3])
        assert PLANTED[3] not in text  # of whom the register says nothing


def test_a_report_asks_for_lists_alone(copy: Copy, service: Service) -> None:
    copy.write(PLANTED)
    before = {name: service.answered(name) for name in ("OptOutSpeaker", "DeleteSpeaker", "DescribeSpeaker")}
    lists = service.answered("ListSpeakers")
    assert copy.optout("report").code == ExitCode.DONE
    assert {name: service.answered(name) for name in before} == before
    assert service.answered("ListSpeakers") == lists + 1
