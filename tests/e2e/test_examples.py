"""The programs under examples/ that are not ours to run every day: a stack that refers to another one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.commands import Shell
from tests.e2e.copies import PASSPHRASE
from tests.e2e.services import opted_out

if TYPE_CHECKING:
    from tests.e2e.commands import Finished
    from tests.e2e.services import Service

EXAMPLE = Path(__file__).parents[2] / "examples" / "foreign-stack"
PULUMI = shutil.which("pulumi")


@pytest.fixture
def shell(tmp_path: Path, service: Service) -> Shell:
    """Give a copy of the example, and the variables of somebody who runs it."""
    root = tmp_path / "foreign stack"
    shutil.copytree(EXAMPLE, root)
    (tmp_path / "state").mkdir()
    variables = {
        "PATH": f"{Path(sys.executable).parent}:{Path(PULUMI or '/usr/bin/pulumi').parent}:/usr/bin:/bin",
        "PULUMI_HOME": str(tmp_path / "pulumi home"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "AWS_ENDPOINT_URL_VOICE_ID": service.running.url,
        "AWS_SHARED_CREDENTIALS_FILE": str(service.running.credentials_file),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return Shell(root, variables)


def test_the_embedded_engine_refuses_a_stack_reference_by_name(shell: Shell, service: Service) -> None:
    with (shell.folder / "Pulumi.dev.yaml").open("a", encoding="utf-8") as file:
        file.write(
            f"  support-line:register: people.yaml\n  support-line:domains: {{support: {service.new_domain()}}}\n"
        )
    finished = shell.optout("preview", "--stack", "dev", "--engine", "embedded")
    assert finished.code == 1
    (error,) = finished.errors
    assert "pulumi:pulumi:StackReference" in error
    assert "install the Pulumi CLI" in error


@pytest.mark.official
@pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH")
def test_a_stack_with_its_own_register_in_the_domain_of_another(shell: Shell, service: Service) -> None:
    def pulumi(*words: str) -> Finished:
        finished = shell.run(str(PULUMI), *words, "--non-interactive", "--stack", "dev")
        assert finished.code == 0, finished.output
        return finished

    domain = service.new_domain()
    for folder in ("platform", "."):
        shell.run(str(PULUMI), "-C", folder, "stack", "init", "dev", "--non-interactive")
    pulumi("-C", "platform", "config", "set", "voiceIdDomain", domain)
    pulumi("-C", "platform", "up", "--yes", "--skip-preview")
    finished = pulumi("up", "--yes", "--skip-preview")
    assert "caller-0000" not in finished.output
    assert service.statuses(domain) == opted_out(["caller-000017", "caller-000031"])
    assert pulumi("stack", "output", "people").out.strip() == "2"
    pulumi("preview", "--expect-no-changes")
