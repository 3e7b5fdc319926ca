"""Copies of the project: what a user has after cloning it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.commands import Finished, Shell
from voiceid_optout.speakers import label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.services import Service

ORIGINAL = Path(__file__).parents[2]
SANDBOX = "UcUuCPFOsAjzg9xoByUatN"
PASSPHRASE = "rehearsal"
SALT = "v1:0hLIAuiuX2I=:v1:VWjeJIG/y5YQ9iMA:tJJkHDDQbYX4dD50XCTH2xio8zHFVQ=="  # of that passphrase


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the project, worked on through ``optout`` with one stack."""

    shell: Shell
    stack: str
    domain_id: str

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.shell.folder

    @property
    def state_file(self) -> Path:
        """The stack's state."""
        return self.root / ".optout" / "state" / ".pulumi" / "stacks" / "voiceid-optout" / f"{self.stack}.json"

    @property
    def stack_file(self) -> Path:
        """The stack's settings."""
        return self.root / f"Pulumi.{self.stack}.yaml"

    def optout(self, *arguments: str, **more: Any) -> Finished:
        """Run ``optout`` here."""
        return self.shell.optout(*arguments, **more)

    def up(self, *arguments: str, **more: Any) -> Finished:
        """Run ``optout up --yes``, which must do it."""
        finished = self.optout("up", "--yes", *arguments, **more)
        assert finished.code == 0, finished.output
        return finished

    def write(self, people: list[str], released: Mapping[str, str] | None = None) -> None:
        """Write the register: one person a line from line 3 on; ``released`` maps ids to reasons."""
        lines = ["domain: sandbox", "speakers:", *(f"  - {person}" for person in people)]
        if released:
            lines.append("released:")
        for person, reason in (released or {}).items():
            lines += [f"  - id: {person}", f"    reason: {reason}"]
        self.write_raw("\n".join(lines) + "\n")

    def write_raw(self, text: str) -> None:
        """Make this text the whole register."""
        folder = self.root / "config"
        for path in folder.glob("*.yaml"):
            path.unlink()
        (folder / "people.yaml").write_text(text, encoding="utf-8")

    def row(self, person: str) -> str:
        """Return how a plan names somebody: label and place, as its text has them."""
        lines = (self.root / "config" / "people.yaml").read_text(encoding="utf-8").splitlines()
        number = next(i for i, line in enumerate(lines, 1) if line.endswith(f" {person}"))
        return f"{label(self.domain_id, self.domain_id, person)}  config/people.yaml:{number} "

    def resources(self) -> dict[str, dict[str, Any]]:
        """Return the people in the state: by label, each with its id and its clear outputs."""
        latest = json.loads(self.state_file.read_bytes())["checkpoint"]["latest"]
        found = [item for item in latest.get("resources", ()) if item["type"].endswith("OptedOutSpeaker")]
        return {
            item["urn"].rsplit("::", 1)[1]: {
                "id": item["id"],
                **{key: value for key, value in item["outputs"].items() if isinstance(value, str)},
            }
            for item in found
        }


def make(root: Path) -> Path:
    """Copy the project's own files."""
    root.mkdir(parents=True)
    for name in ("Pulumi.yaml", "Pulumi.local.yaml", "__main__.py"):
        shutil.copy(ORIGINAL / name, root)
    shutil.copytree(ORIGINAL / "config", root / "config")
    return root


def sandbox(root: Path, **variables: str) -> Copy:
    """Return a copy whose stack is the sandbox, which brings its own service."""
    shell = Shell(make(root), {"OPTOUT_ENGINE": "embedded", **variables})
    return Copy(shell, "local", SANDBOX)


def with_service(root: Path, service: Service, domain_id: str) -> Copy:
    """Return a copy with a stack of its own, ``test``, that uses a service which runs elsewhere."""
    variables = {
        "OPTOUT_ENGINE": "embedded",
        "PULUMI_STACK": "test",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "AWS_SHARED_CREDENTIALS_FILE": str(service.running.credentials_file),
        "AWS_EC2_METADATA_DISABLED": "true",  # nobody asks the network for keys
    }
    copy = Copy(Shell(make(root), variables), "test", domain_id)
    write_stack(copy, service.running.url)
    return copy


def again(original: Copy, root: Path) -> Copy:
    """Copy a copy with its state; both manage the same people of the same domain."""
    shutil.copytree(original.root, root)
    return Copy(Shell(root, original.shell.variables), original.stack, original.domain_id)


def write_stack(copy: Copy, endpoint: str, **settings: Any) -> None:
    """Write the stack file."""
    config = {
        "endpoint": endpoint,
        "region": "us-east-1",
        "domain": "sandbox",
        "domains": {"sandbox": copy.domain_id},
        "quotas": dict.fromkeys(("optOut", "describe", "delete", "list"), 2000),
        "guessableLabels": "labelKey" not in settings,
        **settings,
    }
    lines = [f"encryptionsalt: {SALT}", "config:"]
    lines += [f"  voiceid-optout:{key}: {json.dumps(value)}" for key, value in config.items()]
    copy.stack_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
