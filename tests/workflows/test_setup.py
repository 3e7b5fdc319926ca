"""The scripts of the composite action, and the copies of the state, run by bash as GitHub runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.s3_bucket import s3_bucket
from tests.workflows.files import ROOT, action, own

BASH = shutil.which("bash")
AWS = shutil.which("aws")
pytestmark = pytest.mark.skipif(BASH is None, reason="needs bash, as GitHub's runners have it")

# A Python that makes the virtual environment of stand-ins, which write down what they are told.
PYTHON = """#!/usr/bin/env bash
mkdir -p .venv/bin
for name in python optout; do
  printf '#!/usr/bin/env bash\necho "%s $*" >> calls\n' "$name" > ".venv/bin/$name"
  chmod +x ".venv/bin/$name"
done
"""
PIP = "python -m pip --disable-pip-version-check --quiet install"


def run(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    assert BASH is not None
    return subprocess.run(
        [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_ENV": str(folder / "environment"),
            "GITHUB_ACTION_PATH": str(ROOT / ".github" / "actions" / "setup"),
            "RUNNER_TEMP": str(folder),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def install(folder: Path, package: str, code: str = ".") -> tuple[int, list[str]]:
    python = folder / "bin" / "python"
    python.parent.mkdir()
    python.write_text(PYTHON, encoding="utf-8")
    python.chmod(0o755)
    finished = run(action()["Install"]["run"], folder, PACKAGE=package, CODE=code)
    calls = folder / "calls"
    return finished.returncode, calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []


CHECKED = ["python -m pip check", "optout --version"]


def test_the_caller_s_requirements_are_installed(tmp_path: Path) -> None:
    assert install(tmp_path, "requirements", "code") == (0, [f"{PIP} -r code/requirements.txt", *CHECKED])


def test_the_source_of_the_checkout_is_installed_with_what_it_locks(tmp_path: Path) -> None:
    source = tmp_path / "code"
    source.mkdir()
    assert install(tmp_path, "checkout", "code") == (
        0,
        [
            f"{PIP} --require-hashes -r {source}/requirements.txt",
            f"{PIP} --no-deps --no-index --no-build-isolation {source}",
            *CHECKED,
        ],
    )


def test_the_commit_of_the_workflow_is_installed_with_what_it_locks(tmp_path: Path) -> None:
    code, calls = install(tmp_path, "workflow")
    assert (code, calls[:2]) == (
        0,
        [
            f"{PIP} --require-hashes -r {ROOT}/requirements.txt",
            f"{PIP} --no-deps --no-index --no-build-isolation {ROOT}",
        ],
    )


def test_a_version_is_installed_with_what_the_workflow_locks(tmp_path: Path) -> None:
    code, calls = install(tmp_path, "0.1.0")
    assert code == 0
    assert calls[0].endswith("/.github/actions/setup/../../../requirements.txt")
    assert calls[1:] == [f"{PIP} --no-deps voiceid-optout==0.1.0", *CHECKED]


@pytest.mark.parametrize("package", ["", "latest", "voiceid-optout", "--index-url=elsewhere"])
def test_another_package_is_refused(tmp_path: Path, package: str) -> None:
    assert install(tmp_path, package) == (2, [])


@pytest.mark.skipif(
    not Path("/etc/ssl/certs/ca-certificates.crt").exists(), reason="needs the system's authorities"
)
def test_own_authorities_are_trusted_beside_the_system_s(tmp_path: Path) -> None:
    own_authority = "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n"
    (tmp_path / "own.pem").write_text(own_authority, encoding="utf-8")
    script = action()["Trust the caller's own authorities"]["run"]
    assert run(script, tmp_path, CA_BUNDLE="own.pem").returncode == 0
    trusted = (tmp_path / "authorities.pem").read_text(encoding="utf-8")
    assert trusted.endswith(own_authority)
    assert len(trusted) > len(own_authority)
    told = (tmp_path / "environment").read_text(encoding="utf-8").splitlines()
    assert {line.partition("=")[2] for line in told} == {str(tmp_path / "authorities.pem")}
    assert {"AWS_CA_BUNDLE", "PIP_CERT", "SSL_CERT_FILE"} <= {line.partition("=")[0] for line in told}


def test_a_file_without_a_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text("<html>not found</html>", encoding="utf-8")
    finished = run(action()["Trust the caller's own authorities"]["run"], tmp_path, CA_BUNDLE="own.pem")
    assert (finished.returncode, finished.stdout) == (1, "::error::own.pem holds no certificate\n")
    assert not (tmp_path / "environment").exists()


def test_the_role_s_keys_are_kept_for_the_bucket_alone(tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}
    step = action()["Keep the role's keys for the bucket"]
    assert run(step["run"], tmp_path, **keys).returncode == 0
    assert (tmp_path / "states").read_text(encoding="utf-8").splitlines() == [
        "[states]",
        "aws_access_key_id = AKIA",
        "aws_secret_access_key = secret",
        "aws_session_token = token",
    ]
    assert (tmp_path / "states").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(AWS is None, reason="needs the AWS CLI, as GitHub's runners have it")
def test_stacks_that_share_a_bucket_keep_their_own_states_alone(tmp_path: Path) -> None:
    """Two jobs fetch, then both write: the second knows an old state of the first one's stack."""
    with s3_bucket() as server:
        here = {
            "STATE_URL": "s3://states/optouts",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
            "AWS_ACCESS_KEY_ID": "AKIA",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "HOME": str(tmp_path),
        }
        server.objects.update(
            {
                "optouts/.pulumi/meta.yaml": b"version: 1\n",
                "optouts/.pulumi/stacks/optout/a.json": b"old",
                "optouts/.pulumi/stacks/optout/b.json": b"old",
                "optouts/.pulumi/journals/optout/a.jsonl": b"half a run",
                "optouts/.pulumi/locks/organization/optout/a/x.json": b"{}",
            }
        )
        jobs = {stack: tmp_path / stack for stack in ("a", "b")}
        for folder in jobs.values():
            folder.mkdir()
            fetched = run(action()["Fetch the state"]["run"], folder, **here)
            assert (fetched.returncode, fetched.stderr) == (0, "")
            assert (folder / "output").read_text(encoding="utf-8") == "state=fetched\n"
            assert not (folder / ".optout" / "state" / ".pulumi" / "locks").exists()
        keep = own("optout-up").step("up", "Keep the state")["run"]
        for stack, folder in jobs.items():
            state = folder / ".optout" / "state" / ".pulumi"
            (state / "stacks" / "optout" / f"{stack}.json").write_text("new and longer", encoding="utf-8")
            history = state / "history" / "optout" / stack / "1.history.json"
            history.parent.mkdir(parents=True)
            history.write_text("{}", encoding="utf-8")
            (state / "journals" / "optout" / "a.jsonl").unlink()
            kept = run(keep, folder, PULUMI_STACK=stack, **here)
            assert (kept.returncode, kept.stderr) == (0, "")
        assert server.objects == {
            "optouts/.pulumi/meta.yaml": b"version: 1\n",
            "optouts/.pulumi/stacks/optout/a.json": b"new and longer",
            "optouts/.pulumi/stacks/optout/b.json": b"new and longer",
            "optouts/.pulumi/history/optout/a/1.history.json": b"{}",
            "optouts/.pulumi/history/optout/b/1.history.json": b"{}",
            "optouts/.pulumi/locks/organization/optout/a/x.json": b"{}",
        }
