"""Where a page's commands are run: a clone with the sandbox, and a stack `production` on a service elsewhere."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.docs.pages import ROOT
from tests.e2e import copies
from tests.e2e.commands import Shell
from tests.e2e.copies import Copy
from tests.forge.fake import BOT

if TYPE_CHECKING:
    from tests.e2e.services import Service
    from tests.forge.fake import Fake

_COPIED = ("Makefile", "pyproject.toml", "requirements.txt", ".gitignore")
PEOPLE = Path("config", "people.yaml")


@dataclass(frozen=True, slots=True)
class World:
    """A clone, the service of its stack `production`, and the GitHub it is on."""

    copy: Copy
    service: Service
    github: Fake
    main_id: str

    @property
    def root(self) -> Path:
        return self.copy.root

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.root, env=self.copy.shell.environment(), check=True)

    def edit(self, path: Path, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text, f"{path} has no {old!r} any more"
        (self.root / path).write_text(text.replace(old, new), encoding="utf-8")


def make(root: Path, service: Service, github: Fake) -> World:
    """Clone: the project's files, Git, the commands where `make up` puts them, and keys for the service."""
    domain = service.new_domain()
    copy = copies.with_service(root, service, domain)
    copy = Copy(copy.shell, "production", domain)
    main = service.new_domain()
    copies.write_stack(copy, service.running.url, domains={"sandbox": domain, "main": main})
    (root / "Pulumi.test.yaml").unlink()
    text = copy.stack_file.read_text(encoding="utf-8")
    copy.stack_file.write_text(text.partition("\n")[2], encoding="utf-8")  # the salt: the first run makes one
    github.tokens["..."] = BOT  # what stands for a token in the documentation
    folder = binaries(root / ".venv")
    (root / ".venv" / ".runtime").touch()
    variables = {
        **{
            name: value
            for name, value in copy.shell.variables.items()
            if name not in ("PULUMI_STACK", "PULUMI_CONFIG_PASSPHRASE")
        },
        **{name: value for name, value in github.environment().items() if name.endswith("_URL")},
        "GITHUB_SERVER_URL": "https://github.com",
        "PATH": f"{folder}:/usr/bin:/bin",
        "HOME": str(root.parent),
        "GIT_AUTHOR_NAME": "ann",
        "GIT_AUTHOR_EMAIL": "ann@example.org",
        "GIT_COMMITTER_NAME": "ann",
        "GIT_COMMITTER_EMAIL": "ann@example.org",
        "OPTOUT_ENGINE": "embedded",
    }
    for name in _COPIED:
        shutil.copy2(ROOT / name, root)
    world = World(Copy(Shell(root, variables), "production", domain), service, github, main)
    world.git("init", "--quiet", "--initial-branch=main")
    world.git("add", "--all")
    world.git("commit", "--quiet", "--message=The register")
    return world


def aws_cli() -> str | None:
    """Return the Python that has the AWS CLI, as `make test-clients` names it."""
    return os.environ.get("OPTOUT_AWS_CLI")


def binaries(environment: Path) -> Path:
    """Put commands where a virtual environment of the clone has them; they are those of the tests' own Python."""
    folder = environment / "bin"
    folder.mkdir(parents=True)
    cli = aws_cli()
    aws = [cli, "-m", "awscli"] if cli else [sys.executable, str(Path(__file__).with_name("aws.py"))]
    for name, command in {
        "python": [sys.executable],
        "optout": [sys.executable, "-m", "voiceid_optout"],
        "aws": aws,
    }.items():
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
    return folder
