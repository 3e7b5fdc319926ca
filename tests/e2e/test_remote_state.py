"""The state in a bucket: `optout` with the Pulumi CLI works as with a folder; without the CLI it says so."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.s3_bucket import s3_bucket
from tests.e2e.services import opted_out

if TYPE_CHECKING:
    from tests.e2e.copies import Copy
    from tests.e2e.services import Service

PULUMI = shutil.which("pulumi")


def test_without_the_cli_it_is_one_clear_error(copy: Copy) -> None:
    copy.write(["caller-000001"])
    url = "postgres://somebody:their-password@db.example.org/states?sslmode=require"
    finished = copy.optout("preview", env={"PULUMI_BACKEND_URL": url})
    assert finished.code == 1
    (error,) = finished.errors
    assert error == (
        "error: the state is in postgres://db.example.org/states; the embedded engine keeps it in a folder: "
        "install the Pulumi CLI (https://www.pulumi.com/docs/install/), or leave PULUMI_BACKEND_URL out"
    )
    assert "their-password" not in finished.output


@pytest.mark.official
@pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH")
def test_a_state_in_a_bucket(copy: Copy, service: Service, tmp_path: Path) -> None:
    people = [f"caller-{n:06}" for n in range(3)]
    copy.write(people)
    (copy.root / ".venv").symlink_to(sys.prefix)
    key, secret = service.keys
    with s3_bucket() as bucket:
        env = {
            "OPTOUT_ENGINE": "pulumi",
            "PATH": f"{Path(PULUMI or '').parent}:/usr/bin:/bin",
            "PULUMI_HOME": str(tmp_path / "pulumi home"),
            "PULUMI_BACKEND_URL": bucket.url,
            "AWS_ACCESS_KEY_ID": key,  # one pair of keys for both, as a role would be
            "AWS_SECRET_ACCESS_KEY": secret,
        }
        planned = copy.optout("preview", env=env)
        assert planned.code == 0, planned.output
        assert "3 to opt out" in planned.out
        copy.up(env=env)
        assert service.statuses(copy.domain_id) == opted_out(people)
        state = ".pulumi/stacks/voiceid-optout/test.json"
        assert b"OptedOutSpeaker" in bucket.objects[state]
        assert people[0].encode() not in b"".join(bucket.objects.values())
        assert not (copy.root / ".optout" / "state").exists()

        service.delete(copy.domain_id, people[0])
        assert copy.optout("drift", env=env).code == 5
        assert "1 repaired" in copy.up(env=env).out
        doctor = copy.optout("doctor", env=env)
        assert "in s3://states: only the Pulumi CLI can read it" in doctor.output
        exports = copy.optout("env", env=env).out
        assert "export PULUMI_BACKEND_URL='s3://states?endpoint=" in exports

        bucket.objects[".pulumi/locks/organization/voiceid-optout/test/1.json"] = (
            b'{"pid": 1, "username": "ann", "hostname": "elsewhere", "timestamp": "2026-03-02T08:00:00Z"}'
        )
        locked = copy.optout("up", "--yes", env=env)
        assert locked.code == 8, locked.output
        assert "the stack is locked by ann@elsewhere (pid 1) since" in locked.errors[0]
        assert "the lock in s3://states" in locked.errors[0]
