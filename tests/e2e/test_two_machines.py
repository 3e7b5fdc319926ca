"""Two machines that run the same stack in the same moment, on one folder and on one bucket."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e import copies
from tests.e2e.commands import ended, optout_command
from tests.e2e.forked import commands
from tests.e2e.s3_bucket import s3_bucket
from tests.e2e.services import opted_out

if TYPE_CHECKING:
    from tests.e2e.copies import Copy
    from tests.e2e.services import Service

PULUMI = shutil.which("pulumi")
PEOPLE = [f"caller-{n:06}" for n in range(12)]
ROUNDS = 4


def machines(copy: Copy, service: Service, root: Path, backend: str, **more: str) -> list[Copy]:
    """Return two copies with one backend, slow enough that their runs meet."""
    quotas = dict.fromkeys(("optOut", "describe", "delete", "list"), 15)
    copies.write_stack(copy, service.running.url, quotas=quotas)
    copy.write(PEOPLE)
    (copy.root / ".venv").symlink_to(sys.prefix)
    variables = {**copy.shell.variables, "PULUMI_BACKEND_URL": backend, **more}
    found = []
    for name in ("one", "other"):
        shutil.copytree(copy.root, root / name, symlinks=True)
        home = {"PULUMI_HOME": str(root / f"{name}'s pulumi")}
        found.append(replace(copy, shell=replace(copy.shell, folder=root / name, variables={**variables, **home})))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="the commands start as forks")
def test_on_one_folder(copy: Copy, service: Service, tmp_path: Path) -> None:
    refused = 0
    (tmp_path / "shared").mkdir()
    one, other = machines(copy, service, tmp_path, f"file://{tmp_path}/shared")
    with commands(tmp_path / "logs") as runner:
        for number in range(ROUNDS):
            everybody = [*PEOPLE, *(f"caller-9{n:05}" for n in range(number * 10))]
            before, asked = service.statuses(copy.domain_id), service.answered("OptOutSpeaker")
            for machine in (one, other):
                machine.write(everybody)
            begun = [runner.start(machine.shell, "up", "--yes") for machine in (one, other)]
            ends = [command.ended() for command in begun]
            assert {end.code for end in ends} <= {0, 8}, ends
            for end in ends:
                if end.code == 8:
                    refused += 1
                    assert "the stack is locked by " in end.errors[0]
            for machine in (one, other):  # of two in the same moment both may have been refused
                again = runner.run(machine.shell, "up", "--yes")
                assert again.code == 0, again.output
            assert "Nothing changed" in again.out
            assert service.statuses(copy.domain_id) == opted_out(everybody)
            # Nobody was asked for twice: no two runs were at work together.
            assert service.answered("OptOutSpeaker") == asked + len(everybody) - len(before)
    assert refused
    assert not any((tmp_path / "shared" / ".pulumi" / "locks").rglob("*.json"))


@pytest.mark.official
@pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH")
def test_on_one_bucket(copy: Copy, service: Service, tmp_path: Path) -> None:
    key, secret = service.keys
    with s3_bucket() as bucket:
        more = {
            "OPTOUT_ENGINE": "pulumi",
            "PATH": f"{Path(PULUMI or '').parent}:/usr/bin:/bin",
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
        }
        asked = service.answered("OptOutSpeaker")
        both = machines(copy, service, tmp_path, bucket.url, **more)
        begun = [machine.shell.start(*optout_command("up", "--yes")) for machine in both]
        ends = [ended(process) for process in begun]
        assert {end.code for end in ends} <= {0, 8}, ends
        for machine in both:
            machine.up()
        assert service.statuses(copy.domain_id) == opted_out(PEOPLE)
        assert service.answered("OptOutSpeaker") == asked + len(PEOPLE)
        assert not any("/locks/" in name for name in bucket.objects)
        assert both[0].optout("preview", "--detailed-exitcode").code == 0
