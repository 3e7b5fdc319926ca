"""Small projects to run commands on, in the process of the tests."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from click.testing import CliRunner, Result

from voiceid_optout.cli.context import Context, find
from voiceid_optout.cli.main import main
from voiceid_optout.speakers import label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.service.running import Service

PROGRAM = Path(__file__).parents[2] / "__main__.py"
NAME = "voiceid-optout"
GROUPS = ("config", "keys", "labels", "passphrase")  # commands of two words
DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
PASSPHRASE = "rehearsal"
SALT = "v1:EkbdZOGK9bI=:v1:0x13QHgJG6Wm6VAA:dCPXL7yqzTTzr4ffmk7Ev+5aAtFFjg=="  # of that passphrase


@dataclass(frozen=True)
class Project:
    """A folder with a stack called ``test``; ``environment`` is all that its commands see of ours."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def state_folder(self) -> Path:
        return self.root / ".optout" / "state"

    @property
    def state_file(self) -> Path:
        return self.state_folder / ".pulumi" / "stacks" / NAME / "test.json"

    def configure(self, stack: str = "test", **config: Any) -> None:
        """Write the stack file anew, without a salt: to try a passphrase on one takes a third of a second.

        Labels keep the domain's id for a key, unless a value of ``guessableLabels`` or a key says otherwise.
        """
        if config.get("service") == "embedded":
            self.environment.pop("PULUMI_CONFIG_PASSPHRASE", None)  # a sandbox has one of its own
        values = {} if "labelKey" in config else {"guessableLabels": True}
        given = {key: value for key, value in {**values, **config}.items() if value is not None}
        content = {"config": {f"{NAME}:{key}": value for key, value in given.items()}}
        (self.root / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")

    def salt(self) -> None:
        """Add the salt to the stack file, as a first run does."""
        with (self.root / "Pulumi.test.yaml").open("a", encoding="utf-8") as file:
            file.write(f"encryptionsalt: {SALT}\n")

    def people(self, *speakers: str, released: Mapping[str, str] | None = None, domain: str = "sandbox") -> None:
        """Write the register; ``released`` gives a reason by id."""
        content: dict[str, Any] = {"domain": domain, "speakers": list(speakers)}
        if released:
            content["released"] = [{"id": id_, "reason": reason} for id_, reason in released.items()]
        (self.root / "config").mkdir(exist_ok=True)
        (self.root / "config" / "people.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")

    def context(self, stack: str = "test", **environment: str) -> Context:
        return find(self.root, stack, {**self.environment, **environment})

    def run(self, *arguments: str, answer: str = "", **environment: str | None) -> Result:
        """Run a command in this process. An exception that gets out of it fails the test."""
        words = 2 if arguments[0] in GROUPS else 1
        result = CliRunner().invoke(
            main,
            [*arguments[:words], "--cwd", str(self.root), *arguments[words:]],
            input=answer,
            env={**self.environment, **environment},
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result


def label_of(domain_id: str, speaker: str) -> str:
    return label(domain_id, domain_id, speaker)


def make(root: Path) -> Project:
    """Make a project whose register is in order and whose service is nowhere."""
    root.mkdir()
    project = Project(root, {"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE, "OPTOUT_ENGINE": "embedded"})
    (root / "Pulumi.yaml").write_text(f"name: {NAME}\nruntime: python\n", encoding="utf-8")
    shutil.copy(PROGRAM, root)
    project.configure(domain=DOMAIN, domains={"sandbox": DOMAIN}, region="us-east-1")
    project.people("caller-1", "caller-2")
    return project


def make_with(root: Path, service: Service, domain_id: str) -> Project:
    """Make a project on a running service."""
    project = make(root)
    project.configure(
        endpoint=service.url,
        region=service.running.region,
        domain="sandbox",
        domains={"sandbox": domain_id},
        quotas={"optOut": 1000, "describe": 1000, "delete": 1000, "list": 1000},
    )
    project.environment["PULUMI_STACK"] = "test"
    return project


def digest_in(output: str) -> str:
    return output.partition("Digest: ")[2].split()[0]
