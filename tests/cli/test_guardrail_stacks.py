"""Stacks with guardrails, as commands see them: real runs of the embedded engine, which cannot have any."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests import fork_server
from voiceid_optout.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.projects import Project
    from tests.service.running import Service

GIVEN = {"account": "111122223333", "repository": "example/optouts"}


def configure(project: Project, **config: Any) -> None:
    """Add to the stack's config."""
    path = project.root / "Pulumi.test.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["config"].update({f"voiceid-optout:{key}": value for key, value in config.items()})
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


def speakers(service: Service, domain: str) -> list[Any]:
    return list(service.client().list_speakers(DomainId=domain)["SpeakerSummaries"])


@pytest.mark.parametrize("command", [["up", "--yes"], ["preview"]])
def test_without_the_extra_nothing_is_done_but_to_say_what_to_install(
    live: Project, service: Service, domain: str, command: list[str]
) -> None:
    configure(live, guardrails=True, guardrailSettings=GIVEN)
    result = live.run(*command, PYTHONPATH=str(blocked(live.root)))
    assert result.exit_code == ExitCode.FAILED
    assert "run pip install 'voiceid-optout[aws]'" in result.stderr
    assert "Traceback" not in result.output
    assert speakers(service, domain) == []


def blocked(folder: Path) -> Path:
    """Make a folder in front of all packages in which the AWS provider's is not."""
    (folder / "blocked").mkdir()
    text = "raise ModuleNotFoundError(\"No module named 'pulumi_aws'\", name='pulumi_aws')\n"
    (folder / "blocked" / "pulumi_aws.py").write_text(text, encoding="utf-8")
    return folder / "blocked"


@pytest.mark.aws
@pytest.mark.parametrize("guardrails", [True, "only"])
@pytest.mark.parametrize("command", [["up", "--yes"], ["preview"]])
def test_the_embedded_engine_refuses_them_by_name_before_anybody_is_opted_out(
    live: Project, service: Service, domain: str, command: list[str], guardrails: object
) -> None:
    configure(live, guardrails=guardrails, guardrailSettings=GIVEN)
    result = live.run(*command)
    assert result.exit_code == ExitCode.FAILED
    assert (
        "resource type aws:iam/openIdConnectProvider:OpenIdConnectProvider: the embedded engine does not do this; "
        "install the Pulumi CLI for it" in result.stderr
    )
    assert "Traceback" not in result.output
    assert speakers(service, domain) == []


def test_a_setting_that_cannot_be_used_is_named(live: Project, service: Service, domain: str) -> None:
    configure(live, guardrails=True, guardrailSettings={**GIVEN, "branch": "*"})
    result = live.run("up", "--yes")
    assert result.exit_code == ExitCode.FAILED
    assert "error: voiceid-optout:guardrailSettings.branch is not the name of one branch" in result.stderr
    assert speakers(service, domain) == []


@pytest.mark.aws
def test_switched_off_a_run_does_not_load_the_package(
    live: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every process of a run notes which packages it has loaded when it ends; so they start, and are no forks."""
    fork_server.start_as_ever(monkeypatch.setattr)
    notes = tmp_path / "notes"
    notes.mkdir()
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "real = os._exit\n"
        "def note(status):\n"
        f"    with open(os.path.join({str(notes)!r}, str(os.getpid())), 'w') as file:\n"
        "        file.write('\\n'.join(sorted(sys.modules)))\n"
        "    real(status)\n"
        "os._exit = note\n"
        "import atexit\n"
        "atexit.register(note, 0)\n",
        encoding="utf-8",
    )
    extra = next(path for path in sys.path if path.endswith(".aws-extra"))
    result = live.run("up", "--yes", PYTHONPATH=f"{tmp_path}:{extra}")
    assert result.exit_code == ExitCode.DONE, result.output
    loaded = [set(path.read_text(encoding="utf-8").split()) for path in notes.iterdir()]
    assert sum("pulumi" in modules for modules in loaded) >= 2  # the program and the plugin, planning and doing
    assert not any("pulumi_aws" in modules for modules in loaded)
