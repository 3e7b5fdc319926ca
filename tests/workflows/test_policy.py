"""What every workflow keeps to, whoever edits it next."""

import re
from pathlib import Path

import pytest
import yaml

from tests.workflows.files import ALL, OWN, ROOT, name, own, read


@pytest.fixture(params=ALL, ids=name)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_the_workflows_are_found() -> None:
    assert {path.stem for path in OWN} == {"ci", "drift", "preview", "up"}
    assert len(ALL) > len(OWN)


def test_every_action_is_pinned_by_its_commit_and_says_its_version(path: Path) -> None:
    uses = read(path).uses()
    assert uses
    assert [
        line for line in uses if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
    ] == []


def test_an_action_has_one_pin_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for path in ALL:
        for line in read(path).uses():
            pins.setdefault(line.partition("@")[0], set()).add(line)
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


def test_nothing_is_permitted_but_what_a_job_asks_for(path: Path) -> None:
    workflow = read(path)
    assert workflow.content["permissions"] == {}
    for job in workflow.jobs.values():
        assert job["permissions"]["contents"] == "read"
        assert "write-all" not in job["permissions"].values()


def test_no_trigger_hands_secrets_to_code_of_strangers(path: Path) -> None:
    assert not read(path).triggers & {"pull_request_target", "workflow_run", "issue_comment"}


def test_runs_do_not_pile_up_or_hang(path: Path) -> None:
    workflow = read(path)
    assert workflow.content["concurrency"]["group"]
    assert isinstance(workflow.content["concurrency"]["cancel-in-progress"], bool)
    assert all(0 < job["timeout-minutes"] <= 360 for job in workflow.jobs.values())


def test_no_checkout_leaves_its_token_behind(path: Path) -> None:
    checkouts = [step for _, step in read(path).steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_expression_is_pasted_into_a_script(path: Path) -> None:
    assert [step["run"] for _, step in read(path).steps() if "${{" in step.get("run", "")] == []


def test_a_pipe_s_first_part_may_not_fail_unseen(path: Path) -> None:
    """``shell: bash`` is what gives a script -e and pipefail on GitHub."""
    assert read(path).content["defaults"]["run"]["shell"] == "bash"


def test_secrets_are_given_to_single_steps(path: Path) -> None:
    workflow = read(path)
    assert "secrets." not in str(workflow.content.get("env", {}))
    for job in workflow.jobs.values():
        assert "secrets." not in str(job.get("env", {}))
        if "secrets." in str(job):
            assert "environment" in job


def test_caches_belong_to_a_lock_file(path: Path) -> None:
    for _, step in read(path).steps():
        if "cache" in step.get("with", {}):
            listed = step["with"]["cache-dependency-path"].split()
            assert all((ROOT / lock.removeprefix("code/")).exists() for lock in listed)


def test_the_pulumi_cli_has_the_version_of_the_package(path: Path) -> None:
    match = re.search(r"^pulumi==(\S+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert match is not None
    steps = [step for _, step in read(path).steps() if step.get("uses", "").startswith("pulumi/actions@")]
    assert steps
    assert {step["with"]["pulumi-version"] for step in steps} == {match[1]}


def test_dependabot_moves_the_pins_of_every_lock_file() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    (python,) = [update for update in updates if update["package-ecosystem"] == "pip"]
    made = re.findall(r" -o (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert made
    assert all(Path(lock).suffix == ".txt" and (ROOT / lock).is_file() for lock in made)
    assert set(python["directories"]) == {
        f"/{folder}".removesuffix(".") for lock in made for folder in [Path(lock).parent]
    }


@pytest.mark.parametrize("stem", ["ci", "preview"])
def test_forks_get_a_validation_and_nothing_else(stem: str) -> None:
    same = "github.event.pull_request.head.repo.full_name == github.repository"
    for job_name, job in own(stem).jobs.items():
        if job_name == "validate":
            assert job["permissions"] == {"contents": "read"}
            assert not re.search(r"secrets\.|environment|github\.token", str(job))
        else:
            assert same in job["if"]


def test_a_fork_s_register_is_checked_by_the_code_of_the_base() -> None:
    workflow = own("preview")
    code = workflow.step("validate", "Check out the code that checks")["with"]
    assert code["ref"].endswith("&& github.sha || github.event.pull_request.base.sha }}")
    proposed = workflow.step("validate", "Check out the register that is proposed, and nothing else")["with"]
    assert proposed["sparse-checkout"].split() == ["/config/", "/Pulumi.*.yaml"]
    assert proposed["sparse-checkout-cone-mode"] is False
    run = workflow.step("validate", "Validate")
    assert run["working-directory"] == proposed["path"]
    assert run["run"].startswith(f"../{code['path']}/")
    assert run["env"] == {"PYTHONSAFEPATH": "1"}


def test_an_update_is_never_cut_short_and_never_forgotten() -> None:
    assert own("up").content["concurrency"] == {
        "group": "up-${{ vars.OPTOUT_STACK }}",
        "cancel-in-progress": False,
        "queue": "max",
    }


def test_only_an_update_may_use_the_keys_that_write() -> None:
    environments = {stem: own(stem).jobs[stem]["environment"] for stem in ("preview", "up", "drift")}
    reading = {"name": "${{ vars.OPTOUT_STACK }}-preview", "deployment": False}
    assert environments == {"preview": reading, "up": "${{ vars.OPTOUT_STACK }}", "drift": reading}
    assert own("up").triggers == {"push", "workflow_dispatch"}
    assert own("up").content[True]["push"]["branches"] == ["main"]


def test_what_may_be_written_to_the_repository_is_one_thing_each() -> None:
    asked = {
        stem: {key: value for key, value in own(stem).jobs[stem]["permissions"].items() if key != "contents"}
        for stem in ("preview", "up", "drift")
    }
    assert asked == {
        "preview": {"id-token": "write", "pull-requests": "write"},
        "up": {"id-token": "write", "pull-requests": "read"},
        "drift": {"id-token": "write", "issues": "write"},
    }


def test_the_token_is_given_to_our_own_command_alone() -> None:
    for stem in ("preview", "up", "drift"):
        for _, step in own(stem).steps():
            if "github.token" in str(step):
                assert re.search(r"optout (?:comment|approved|issue)", step["run"])
