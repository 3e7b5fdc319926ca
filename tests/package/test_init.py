"""A register with the wheel alone: the first look, and the life of a pull request by the workflows' own scripts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.forge import fake
from tests.package.test_package import serving
from tests.workflows.files import own

if TYPE_CHECKING:
    from pathlib import Path

    from tests.forge.fake import Fake
    from tests.package.conftest import Clean

pytestmark = pytest.mark.package

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
PULL = 7
PASSPHRASE = {"PULUMI_CONFIG_PASSPHRASE": "rehearsal"}


def test_the_first_look_needs_the_wheel_alone(clean: Clean, tmp_path: Path) -> None:
    began = time.monotonic()
    made = clean.run("optout", "init", "opt-outs", "--sandbox", cwd=tmp_path)
    assert made.splitlines()[-1] == "Next: cd opt-outs && optout up"
    folder = tmp_path / "opt-outs"
    assert "Done: 3 opted out, 1 released." in clean.run("optout", "up", "--yes", cwd=folder)
    added = clean.run("optout", "add", "caller-000018", cwd=folder)
    assert added.splitlines()[-1] == "Next: `optout preview` shows what this changes, and `optout up` does it."
    assert "1 to opt out, 4 unchanged" in clean.run("optout", "preview", cwd=folder)
    assert "Done: 1 opted out." in clean.run("optout", "up", "--yes", cwd=folder)
    assert clean.run("optout", "drift", cwd=folder) == "No drift: 5 people as the register asks.\n"
    print(f"\nThe first look took {time.monotonic() - began:.1f} s.")
    assert "ok    endpoint" in clean.run("optout", "doctor", cwd=folder)
    assert clean.run("optout", "init", "--upgrade", "--diff", cwd=folder).startswith("Nothing changes")


@dataclass(frozen=True)
class Forge:
    """A remote repository, and the forge that runs its jobs: each in a fresh clone, with the workflows' scripts."""

    clean: Clean
    remote: Path
    github: Fake
    variables: dict[str, str]

    def clone(self, folder: Path, branch: str) -> Job:
        """Check a branch out as a runner does, with the package where the setup puts it."""
        git(
            self.remote.parent, "clone", "-q", "--depth", "1", "--branch", branch, self.remote.as_uri(), str(folder)
        )
        (folder / ".venv").symlink_to(self.clean.python.parents[1])
        return Job(self, folder)


@dataclass(frozen=True)
class Job:
    """A clone on a runner."""

    forge: Forge
    folder: Path

    def step(self, workflow: str, name: str, code: int = 0, **inputs: str) -> dict[str, str]:
        """Run a step of a workflow; returns its outputs."""
        output = self.folder.parent / f"{self.folder.name}.output"
        output.write_text("", encoding="utf-8")
        variables = {
            **self.forge.variables,
            **inputs,
            "CI": "true",
            "GITHUB_SHA": git(self.folder, "rev-parse", "HEAD"),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.folder.parent / "summary.md"),
        }
        step = own(f"optout-{workflow}").step(workflow, name)
        assert set(inputs) <= set(step["env"]), "the workflow gives them to it"
        done = subprocess.run(
            ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder,
            env=self.forge.clean.environment(self.folder.parent, variables),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return dict(line.split("=", 1) for line in output.read_text(encoding="utf-8").splitlines())


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def publish(folder: Path, message: str, branch: str) -> str:
    """Commit everything and push it; returns the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", message)
    git(folder, "push", "-q", "origin", branch)
    return git(folder, "rev-parse", "HEAD")


def quiet_night(job: Job) -> str:
    """Find no drift; returns the root of the report."""
    assert job.step("drift", "Look for drift") == {"code": "0"}
    assert job.step("drift", "Report") == {"code": "0", "made": "true"}
    job.step("drift", "Say so", CODE="0", REPORT="0")
    return (job.folder / "chain" / "root").read_text(encoding="utf-8").strip()


def night_with_drift(job: Job) -> None:
    job.step("drift", "Look for drift", code=5)
    assert job.step("drift", "Report") == {"code": "0", "made": "true"}
    job.step("drift", "Say so", CODE="5", REPORT="0")
    assert not git(job.folder, "status", "--porcelain"), "what a night leaves behind is ignored"


def test_a_pull_request_is_previewed_merged_applied_and_looked_after(clean: Clean, tmp_path: Path) -> None:
    began = time.monotonic()
    remote, register, states = tmp_path / "remote.git", tmp_path / "register", tmp_path / "states"
    states.mkdir()
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(remote))
    git(tmp_path, "clone", "-q", str(remote), str(register))
    with serving(clean, tmp_path) as (url, keys), fake.github() as github:
        backend = {"PULUMI_BACKEND_URL": states.as_uri(), **PASSPHRASE}

        def said(*command: str) -> str:
            return clean.run("optout", *command, cwd=register, variables={**keys, **backend})

        where = ("--endpoint", url, "--domain-id", DOMAIN, "--backend", states.as_uri())
        said("init", "--yes", *where, "--forge", "github", "--workflows", f"example/voiceid-optout@{'a' * 40}")
        assert "ok    endpoint" in said("doctor", "--stack", "production")
        assert "Nothing changed" in said("up", "--stack", "production", "--yes")
        publish(register, "The register", "main")
        assert not git(register, "status", "--porcelain"), "what a run leaves behind is ignored"

        git(register, "switch", "-qc", "objection")
        said("add", "caller-000018", "--reason", "objection by phone", "--ticket", "PRIV-240")
        head = publish(register, "PRIV-240", "objection")
        github.add_pull(PULL, head={"sha": head})
        event = tmp_path / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": PULL, "head": {"sha": head}}}), encoding="utf-8")
        jobs = {
            **keys,
            **backend,
            **github.environment(),
            "PULUMI_STACK": "production",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "5",
        }
        forge = Forge(clean, remote, github, jobs)

        preview = forge.clone(tmp_path / "preview", "objection")
        assert preview.step("preview", "Preview") == {"code": "4"}
        preview.step("preview", "Comment", CODE="4")
        (comment,) = github.bodies(PULL)
        assert "1 to opt out, 0 unchanged" in comment
        assert re.search(r"sp-[0-9a-f]{16}.*config/people\.yaml:\d+", comment)
        assert "caller-000018" not in comment
        assert not git(preview.folder, "status", "--porcelain"), "what a job leaves behind is ignored"

        git(register, "switch", "-q", "main")
        git(register, "merge", "-q", "--no-ff", "-m", "merge", "objection")
        git(register, "push", "-q", "origin", "main")
        github.pulls[PULL]["merge_commit_sha"] = git(register, "rev-parse", "HEAD")
        up = forge.clone(tmp_path / "up", "main")
        found = up.step("up", "Find the plan that was reviewed", GIVEN="")
        assert found["digest"] in comment
        up.step("up", "Up", DIGEST=found["digest"])

        night = forge.clone(tmp_path / "night", "main")
        root = quiet_night(night)
        assert github.issues == {}
        assert "1 person" in said("drift", "--stack", "production")
        shutil.rmtree(states)  # somebody lost the state: the night says so, and the issue stays open
        night_with_drift(night)
        assert [issue["state"] for issue in github.issues.values()] == ["open"]
        assert f"follows  {root}" in str(github.issues)
    print(f"\nFrom an empty remote to the first night took {time.monotonic() - began:.1f} s.")
