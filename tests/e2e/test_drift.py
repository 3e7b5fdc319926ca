"""Drift: what happens behind the register's back is seen, named and repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import copies
from tests.e2e.services import Service, opted_out, serving
from voiceid_optout.speakers import resource_id

if TYPE_CHECKING:
    from tests.e2e.copies import Copy

PEOPLE = [f"caller-{n:06}" for n in range(6)]
GONE, ENROLLED, RECREATED = PEOPLE[1], PEOPLE[3], PEOPLE[4]
RELEASED = "caller-000099"


@pytest.fixture
def managed(copy: Copy) -> Copy:
    """Give a copy whose people are opted out, and one released, in a domain of its own."""
    copy.write(PEOPLE, {RELEASED: "consented again in writing"})
    copy.up()
    return copy


def test_every_kind_of_drift_is_named_and_repaired(managed: Copy, service: Service) -> None:
    domain_id = managed.domain_id
    first_id = service.describe(domain_id, RECREATED)["GeneratedSpeakerId"]
    service.delete(domain_id, GONE)
    service.seed(domain_id, ENROLLED, "ENROLLED")
    service.seed(domain_id, RECREATED, "ENROLLED", recreate=True)
    service.seed(domain_id, RELEASED, "ENROLLED")
    second_id = service.describe(domain_id, RECREATED)["GeneratedSpeakerId"]
    assert second_id != first_id

    state = managed.state_file.read_bytes()
    found = managed.optout("drift")
    assert found.code == 5
    assert "Drift in stack test: 4 to repair, 3 unchanged" in found.out
    rows = [line for line in found.out.splitlines() if line.startswith("  ! repair")]
    assert len(rows) == 4
    for person, reason in (
        (GONE, "gone from the service"),
        (ENROLLED, "ENROLLED in the service, should be OPTED_OUT"),
        (RECREATED, "ENROLLED in the service, should be OPTED_OUT"),
        (RELEASED, "ENROLLED in the service, should be gone"),
    ):
        assert any(managed.row(person) in row and row.endswith(reason) for row in rows), (person, rows)
    assert managed.state_file.read_bytes() == state
    assert service.statuses(domain_id)[ENROLLED] == "ENROLLED"

    assert "Done: 4 repaired." in managed.up().out
    assert service.statuses(domain_id) == opted_out(PEOPLE)
    assert service.describe(domain_id, RECREATED)["GeneratedSpeakerId"] == second_id

    assert managed.optout("drift").code == 0
    ids = [item["id"] for item in managed.resources().values()]
    assert resource_id(domain_id, second_id) in ids  # read with the drift
    assert resource_id(domain_id, first_id) not in ids


def test_drift_written_by_a_refresh_is_repaired_without_asking_again(managed: Copy, service: Service) -> None:
    found = {PEOPLE[0]: "ENROLLED", PEOPLE[1]: "EXPIRED", PEOPLE[2]: "PENDING"}
    for person, status in found.items():
        service.seed(managed.domain_id, person, status)
    refreshed = managed.optout("refresh")
    assert refreshed.code == 0
    for person, status in found.items():
        assert f"{managed.row(person)} {status} in the service, should be OPTED_OUT" in refreshed.out
    assert service.statuses(managed.domain_id) == {**opted_out(PEOPLE), **found}

    assert "Done: 3 repaired." in managed.up("--no-refresh").out
    assert service.statuses(managed.domain_id) == opted_out(PEOPLE)


def test_entry_never_applied_is_drift(applied: Copy, service: Service) -> None:
    found = applied.optout("drift")
    assert found.code == 5
    assert "1 to opt out, 60 unchanged" in found.out
    assert applied.row("caller-900000") in found.out
    assert "caller-900000" not in service.statuses(applied.domain_id)


def test_line_taken_out_and_not_yet_applied_is_no_drift(applied: Copy) -> None:
    applied.write([f"caller-{n:06}" for n in range(50)])
    finished = applied.optout("drift")
    assert finished.code == 0
    assert "No drift" in finished.out


def test_before_the_first_up_everybody_is_drift(copy: Copy) -> None:
    copy.write(PEOPLE)
    found = copy.optout("drift")
    assert found.code == 5
    assert "6 to opt out" in found.out
    assert not copy.state_file.exists()


def test_sandbox_uses_the_service_that_runs_already(sandbox: Copy) -> None:
    sandbox.write(PEOPLE)
    with serving(
        sandbox.shell, sandbox.root / ".optout" / "service", "--domain", f"{copies.SANDBOX}=sandbox"
    ) as service:
        sandbox.up()
        assert service.statuses(copies.SANDBOX) == opted_out(PEOPLE)
        service.delete(copies.SANDBOX, GONE)
        found = sandbox.optout("drift")
        assert found.code == 5
        assert sandbox.row(GONE) in found.out
    # The same without it: the sandbox starts its own on the same data.
    assert sandbox.optout("drift").code == 5
    sandbox.up()
    assert sandbox.optout("drift").code == 0
