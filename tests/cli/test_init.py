"""`optout init` as people type it: a new folder, one that is not empty, and a newer version of the package."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner, Result

from tests.cli.projects import DOMAIN, Project
from tests.cli.test_init_files import COMMIT
from voiceid_optout.cli import init, init_files, init_questions
from voiceid_optout.cli.context import find, label_keys
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.init_folder import RECORD, STAGING
from voiceid_optout.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REAL = ("--endpoint", "https://voiceid.example.org", "--domain-id", DOMAIN)
PIPELINE = ("--forge", "github", "--workflows", f"example/voiceid-optout@{COMMIT}")
PASSPHRASE = "rehearsal"


def run(*words: str, answer: str = "", passphrase: str | None = PASSPHRASE) -> Result:
    result = CliRunner().invoke(main, ["init", *words], input=answer, env={"PULUMI_CONFIG_PASSPHRASE": passphrase})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def everything(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_a_sandbox_is_ready_at_once(here: Path) -> None:
    result = run("--sandbox", passphrase=None)
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    assert result.stdout == "Wrote 10 files.\nNext: optout up\n"
    project = Project(here)
    assert project.run("validate").stderr == "ok: 4 people in 1 file, 1 released\n"
    context = find(here, "local", {})
    assert (context.project.name, context.is_sandbox) == ("opt-outs", True)
    assert not (here / STAGING).exists()


def test_a_real_stack_has_a_sealed_random_key_and_the_next_commands_are_for_it(here: Path) -> None:
    keys = set()
    for name in ("one", "two and more"):
        result = run(name, "--name", "opt-outs", *REAL, "--region", "eu-central-1")
        assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
        assert result.stdout.splitlines() == [
            f"Wrote 10 files in {name}.",
            "Next:",
            f"  cd {shlex.quote(name)}",
            "  optout doctor --stack production",
            "  optout up --stack production",
        ]
        context = find(here / name, "production", {"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE})
        key = label_keys(context, {}).current
        assert key is not None
        assert len(bytes.fromhex(key)) == 32
        assert key not in "".join(everything(here).values())
        keys.add(key)
        assert (context.config.endpoint, context.config.region) == ("https://voiceid.example.org", "eu-central-1")
    assert len(keys) == 2


def test_what_comes_next_is_right_for_a_pipeline_and_for_a_backend(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name, **_: None if name == "pulumi" else "/usr/bin/git")
    result = run("--yes", *REAL, *PIPELINE, "--backend", "s3://states/a?b=c&d=e", "--stack", "eu")
    assert result.stdout.splitlines() == [
        "Wrote 14 files.",
        "Next:",
        "  export PULUMI_BACKEND_URL='s3://states/a?b=c&d=e'",
        "  optout doctor --stack eu",
        "  optout up --stack eu",
        "This backend needs the Pulumi CLI on PATH.",
        "Then commit everything. README.md says how to set up the pipeline.",
    ]
    sandbox = run("another", "--sandbox", "--stack", "try")
    assert sandbox.stdout == "Wrote 10 files in another.\nNext: cd another && optout up --stack try\n"


def test_nothing_is_overwritten(here: Path) -> None:
    (here / "README.md").write_text("mine\n")
    (here / "config").mkdir()
    (here / "config" / "people.yaml").write_text("mine\n")
    before = everything(here)
    result = run("--sandbox")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert result.stderr == (
        "error: config/people.yaml, README.md are there already: move them away, or choose another folder (--diff "
        "shows what would be written); nothing was written\n"
    )
    assert everything(here) == before
    (here / "README.md").unlink()
    (here / "config" / "people.yaml").unlink()
    assert run("--sandbox").exit_code == ExitCode.DONE
    again = run("--sandbox")
    assert again.exit_code == ExitCode.USAGE
    assert "`optout init --upgrade`" in again.stderr


@pytest.mark.parametrize("folder", ["a file/below", "x" * 300])
def test_a_folder_that_cannot_be_is_one_clear_line(here: Path, folder: str) -> None:
    (here / "a file").write_text("mine\n")
    result = run(folder, "--sandbox", "--name", "opt-outs")
    assert (result.exit_code, result.stdout) == (ExitCode.FAILED, "")
    assert re.fullmatch(r"error: cannot (?:make|work in) \S.*: [A-Z][a-z ]+\n", result.stderr)


def test_a_folder_that_was_made_for_nothing_goes_again(here: Path) -> None:
    result = run("new", *REAL, passphrase="local")
    assert result.exit_code == ExitCode.USAGE
    assert "everybody knows" in result.stderr
    assert list(here.iterdir()) == []


def test_a_diff_writes_nothing_and_needs_no_passphrase(here: Path) -> None:
    (here / "__main__.py").write_text("print()\n")
    result = run("--diff", *REAL, passphrase=None)
    assert result.exit_code == ExitCode.DONE
    assert "--- a/__main__.py\n+++ b/__main__.py\n@@ -1 +1,5 @@\n-print()\n" in result.stdout
    assert "--- /dev/null\n+++ b/Pulumi.yaml\n" in result.stdout
    assert result.stderr == "Pulumi.production.yaml also gets an encryptionsalt and a random labelKey.\n"
    assert everything(here) == {"__main__.py": "print()\n"}
    assert [path.name for path in here.iterdir()] == ["__main__.py"]


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give what makes the package another version, whose templates say something else."""
    filled = init_files._filled

    def make(version: str, **changes: str) -> None:
        for module in (init, init_files, init_questions):
            monkeypatch.setattr(module, "current_version", lambda: version)

        def other(template: str, values: dict[str, str]) -> str:
            return changes.get(template.partition(".")[0], "") + filled(template, values)

        monkeypatch.setattr(init_files, "_filled", other)

    return make


def test_an_upgrade_changes_what_nobody_has_edited(here: Path, newer: Callable[..., None]) -> None:
    assert run("--sandbox").exit_code == ExitCode.DONE
    same = run("--upgrade", "--yes")
    assert same.stdout == "Nothing changes: the files are those of voiceid-optout 0.1.0.\n"
    (here / "README.md").write_text("our own\n")
    (here / ".gitignore").unlink()
    stack = (here / "Pulumi.local.yaml").read_text()
    before = everything(here)
    newer("0.2.0", main="# new\n", README="new\n", gitignore="# new\n", sandbox="# new\n", people="# new\n")
    looked = run("--upgrade", "--diff")
    assert looked.exit_code == ExitCode.DONE
    assert everything(here) == before
    nobody = run("--upgrade")
    assert (nobody.exit_code, everything(here)) == (ExitCode.USAGE, before)
    assert "pass --yes" in nobody.stderr
    result = run("--upgrade", "--yes")
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.startswith(looked.stdout)
    assert "Somebody has edited README.md; this is what it would become. Change by hand" in result.stdout
    assert "\n-our own\n" in result.stdout
    assert "Wrote 2 files, and .optout-init.json.\nNext: look at it (`git diff`)" in result.stdout
    after = everything(here)
    assert after["__main__.py"] == f"# new\n{before['__main__.py']}"
    assert after["requirements.txt"] == before["requirements.txt"].replace("0.1.0", "0.2.0")
    assert after["README.md"] == "our own\n"
    assert after["Pulumi.local.yaml"] == stack
    assert after["config/people.yaml"] == before["config/people.yaml"]
    assert ".gitignore" not in after
    again = run("--upgrade", "--diff")
    assert again.stdout == "Nothing changes: the files are those of voiceid-optout 0.2.0.\n"


def test_of_an_edited_file_only_the_template_s_change_is_shown_where_git_has_what_it_was(
    here: Path, newer: Callable[..., None]
) -> None:
    run("--sandbox")
    who = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    readme = here / "README.md"

    def git(*words: str, given: str = "") -> None:
        subprocess.run(["git", *who, *words], cwd=here, input=given, text=True, check=True, capture_output=True)

    git("init", "-q")
    git("add", "--all")
    git("commit", "-qm", "as it was made")
    for number in range(3):
        readme.write_text(f"{readme.read_text()}our own {number}\n")
        git("commit", "-qam", "edited")
    edited = readme.read_text()
    newer("0.2.0", README="new\n")
    result = run("--upgrade", "--diff")
    _, _, shown = result.stdout.partition(
        "this has changed in what it was made of. Change by hand what you want of it.\n"
    )
    assert "\n+new\n" in shown
    assert "our own" not in shown
    git("apply", "-", given=shown)
    assert readme.read_text() == f"new\n{edited}"


def test_an_upgrade_asks_at_a_terminal(
    here: Path, newer: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("--sandbox")
    newer("0.2.0")
    before = everything(here)
    monkeypatch.setattr(init, "require_answer", lambda **_: None)
    refused = run("--upgrade", answer="n\n")
    assert (refused.exit_code, everything(here)) == (ExitCode.USAGE, before)
    assert run("--upgrade", answer="y\n").exit_code == ExitCode.DONE
    assert json.loads((here / RECORD).read_text())["templates"] == "0.2.0"


def test_an_upgrade_moves_the_pipeline_with_its_commit_alone(here: Path, newer: Callable[..., None]) -> None:
    run(*REAL, *PIPELINE)
    up = here / ".github" / "workflows" / "up.yml"
    newer("0.2.0")
    stays = run("--upgrade", "--yes")
    assert "The pipeline stays at version 0.1.0; --workflows OWNER/NAME@COMMIT moves it too." in stays.stderr
    assert f"@{COMMIT} # v0.1.0\n" in up.read_text()
    run("--upgrade", "--yes", "--workflows", f"example/voiceid-optout@{'a' * 40}")
    assert f"@{'a' * 40} # v0.2.0\n" in up.read_text()


def test_a_pipeline_may_come_later_and_the_stack_is_not_an_upgrade_s_business(here: Path) -> None:
    run(*REAL)
    before = everything(here)
    wrong = run("--upgrade", "--yes", "--domain-id", DOMAIN, "--name", "other")
    assert wrong.exit_code == ExitCode.USAGE
    assert "--domain-id, --name: --upgrade does not change that" in wrong.stderr
    assert everything(here) == before
    assert run("--upgrade", "--yes", *PIPELINE).exit_code == ExitCode.DONE
    assert (here / ".github" / "workflows" / "up.yml").exists()
    assert "## On GitHub" in (here / "README.md").read_text()
    gone = run("--upgrade", "--yes", "--forge", "none")
    assert "No longer made: .github/CODEOWNERS, .github/workflows/drift.yml," in gone.stdout


def test_files_of_a_newer_version_are_left_alone(here: Path, newer: Callable[..., None]) -> None:
    newer("0.10.0")
    run("--sandbox")
    newer("0.9.1")
    result = run("--upgrade", "--yes")
    assert result.exit_code == ExitCode.USAGE
    assert "the files are of version 0.10.0, and this is 0.9.1: install the newer one" in result.stderr


def test_an_upgrade_follows_no_link_out_of_the_folder(here: Path, newer: Callable[..., None]) -> None:
    run("--sandbox")
    outside = here.parent / "outside.py"
    outside.write_bytes((here / "__main__.py").read_bytes())
    before = outside.read_text()
    (here / "__main__.py").unlink()
    (here / "__main__.py").symlink_to(outside)
    newer("0.2.0", main="# new\n")
    result = run("--upgrade", "--yes")
    assert (result.exit_code, outside.read_text()) == (ExitCode.USAGE, before)
    assert "__main__.py: it is a symbolic link" in result.stderr


def test_the_hook_of_a_new_repository_refuses_a_fault(here: Path) -> None:
    run("--sandbox")
    ((repository,),) = [yaml.safe_load((here / ".pre-commit-config.yaml").read_text())["repos"]]
    (hook,) = repository["hooks"]
    assert (hook["language"], hook["always_run"], hook["pass_filenames"]) == ("system", True, False)
    program, *words = shlex.split(hook["entry"])
    assert program == "optout"
    project = Project(here)
    assert project.run(*words).exit_code == ExitCode.DONE
    with (here / "config" / "people.yaml").open("a", encoding="utf-8") as file:
        file.write("  - id: caller-000002\n")
    assert project.run(*words).exit_code == ExitCode.REGISTER_INVALID


def test_what_is_written_is_readable_by_others(here: Path) -> None:
    run("--sandbox")
    assert {path.stat().st_mode & 0o777 for path in here.rglob("*") if path.is_file()} == {0o644}
    assert os.access(here / "config", os.X_OK)
