"""`optout up` and `optout destroy` on the register that comes with the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.copies import SANDBOX
from tests.e2e.services import opted_out, serving
from voiceid_optout.register import Ensure, load

if TYPE_CHECKING:
    from tests.e2e.copies import Copy
    from tests.e2e.services import Service


def test_sample_register_is_applied_and_applying_it_again_changes_nothing(sandbox: Copy) -> None:
    register = load(sandbox.root / "config", domains={"sandbox": SANDBOX}, default_domain=None)
    listed = [entry.speaker_id for entry in register.entries if entry.ensure is Ensure.OPTED_OUT]

    first = sandbox.up()
    assert f"Done: {len(listed)} opted out, 1 released." in first.out
    assert first.err == ""
    assert (sandbox.root / ".optout").stat().st_mode & 0o077 == 0

    data = sandbox.root / ".optout" / "service"
    with serving(sandbox.shell, data) as service:
        assert service.statuses(SANDBOX) == opted_out(listed)
        second = sandbox.up()  # uses the service that runs already
        assert service.statuses(SANDBOX) == opted_out(listed)
    assert "Nothing changed" in second.out
    assert f"{len(listed) + 1} unchanged" in second.out


def test_up_asks_and_does_nothing_where_nobody_can_answer(copy: Copy, service: Service) -> None:
    copy.write(["caller-000001"])
    refused = copy.optout("up")
    assert refused.code == 2
    assert "pass --yes" in refused.err
    assert refused.out == ""
    assert service.statuses(copy.domain_id) == {}
    assert not copy.state_file.exists()


def test_destroy_forgets_everybody_and_up_takes_them_back(copy: Copy, service: Service) -> None:
    people = [f"caller-{n:06}" for n in range(5)]
    copy.write(people)
    copy.up()
    before = [service.describe(copy.domain_id, person) for person in people]

    assert copy.optout("destroy", "--yes").code == 6
    digest = copy.optout("destroy", "--preview").out.partition("Digest: ")[2].split()[0]
    destroyed = copy.optout("destroy", "--approve", digest)
    assert destroyed.code == 0
    assert "Done: 5 people no longer managed" in destroyed.out
    assert copy.resources() == {}
    assert [service.describe(copy.domain_id, person) for person in people] == before

    taken_back = copy.up()
    assert "Done: 5 opted out." in taken_back.out
    assert len(copy.resources()) == 5
    assert [service.describe(copy.domain_id, person) for person in people] == before
