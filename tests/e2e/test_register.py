"""What a change to the register does, and that an invalid one does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.services import Service, opted_out

if TYPE_CHECKING:
    from tests.e2e.copies import Copy

PEOPLE = [f"caller-{n:06}" for n in range(4)]

TEN_FAULTS = """\
domain: sandbox
speakers:
  - caller-000001
  - 0017
  - caller with spaces
  - id: caller-000002
    requestd_on: 2026-03-02
  - id: caller-000003
    requested_on: 2026-02-30
  - ticket: PRIV-1
  - id: caller-000004
    ticket: PRIV-2
    ticket: PRIV-3
  - caller-000001
released:
  - caller-000005
  - id: caller-000006
    reason: ' '
  - id: caller-000004
    reason: consented again in writing
"""
TEN_PLACES = ["4:5", "5:5", "7:5", "9:19", "10:5", "13:5", "14:5", "16:5", "18:13", "19:5"]


def test_line_taken_out_leaves_the_person_opted_out(copy: Copy, service: Service) -> None:
    copy.write(PEOPLE)
    copy.up()
    copy.write(PEOPLE[1:])
    finished = copy.up()
    assert "1 to stop managing" in finished.out
    assert "Done: 1 no longer managed." in finished.out
    assert len(copy.resources()) == 3
    assert service.statuses(copy.domain_id) == opted_out(PEOPLE)


def test_only_released_with_a_reason_ends_an_opt_out(copy: Copy, service: Service) -> None:
    copy.write(PEOPLE)
    copy.up()
    state = copy.state_file.read_bytes()

    copy.write_raw(
        "domain: sandbox\n"
        "speakers: [caller-000001, caller-000002, caller-000003]\n"
        "released:\n"
        "  - id: caller-000000\n"
    )
    refused = copy.optout("up", "--yes")
    assert refused.code == 3
    assert refused.err.startswith("config/people.yaml:4:5: missing-reason: ")
    assert service.statuses(copy.domain_id) == opted_out(PEOPLE)
    assert copy.state_file.read_bytes() == state

    copy.write(PEOPLE[1:], {PEOPLE[0]: "consented again in writing"})
    released = copy.up()
    assert "Done: 1 released." in released.out
    assert service.statuses(copy.domain_id) == opted_out(PEOPLE[1:])

    copy.write(PEOPLE)
    assert "no longer released" in copy.up().out
    assert service.statuses(copy.domain_id) == opted_out(PEOPLE)


@pytest.mark.parametrize("command", [["up", "--yes"], ["preview"], ["drift"], ["validate"]])
def test_ten_faults_are_ten_lines_and_nothing_is_started(sandbox: Copy, command: list[str]) -> None:
    sandbox.write_raw(TEN_FAULTS)
    refused = sandbox.optout(*command)
    assert refused.code == 3
    lines = (refused.out if command == ["validate"] else refused.err).splitlines()
    places = [line.removeprefix("config/people.yaml:").split(": ")[0] for line in lines[:10]]
    assert places == TEN_PLACES
    assert not (sandbox.root / ".optout").exists()
    for secret in ("caller-0000", "0017", "caller with"):
        assert secret not in refused.output


def test_several_files_are_one_register(copy: Copy) -> None:
    copy.write(PEOPLE)
    (copy.root / "config" / "branches.yml").write_text("- caller-000050\n- caller-000051\n", encoding="utf-8")
    planned = copy.optout("preview")
    assert "6 to opt out" in planned.out
    assert "config/branches.yml:2 " in planned.out
