"""What every workflow keeps to, whoever edits it next."""

import re
from pathlib import Path

import pytest
import yaml

from tests.tables import each_row
from tests.workflows.files import ALL, CALLED, EXAMPLES, OWN, ROOT, SETUP, action, name, own, read


@pytest.fixture(params=ALL, ids=name)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_the_workflows_are_found() -> None:
    called = {"optout-drift", "optout-preview", "optout-up"}
    assert {path.stem for path in OWN} == {"ci", "drift", "preview", "release", "up"} | called
    assert {path.stem for path in CALLED} == called
    assert {path.stem for path in EXAMPLES} == {"drift", "preview", "up"}


@each_row("file", [*ALL, SETUP])
def test_every_action_is_pinned_by_its_commit_and_says_its_version(file: Path) -> None:
    """What lies in the same repository is of the same commit."""
    uses = re.findall(r"^\s*(?:- )?uses: (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert uses
    assert [
        line
        for line in uses
        if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)
        and not (line.startswith("$/") and (ROOT / line.removeprefix("$/")).exists())
    ] == []


def test_an_action_has_one_pin_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for file in [*ALL, SETUP]:
        for line in re.findall(r"^\s*(?:- )?uses: (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE):
            pins.setdefault(line.partition("@")[0], set()).add(line)
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


def test_nothing_is_permitted_but_what_a_job_asks_for(path: Path) -> None:
    """One job writes to the repository: the one that makes a release of a tag."""
    workflow = read(path)
    assert workflow.content["permissions"] == {}
    for job in workflow.jobs.values():
        assert job["permissions"]["contents"] == ("write" if job["name"] == "announce" else "read")
        assert "write-all" not in job["permissions"].values()


def test_no_trigger_hands_secrets_to_code_of_strangers(path: Path) -> None:
    assert not read(path).triggers & {"pull_request_target", "workflow_run", "issue_comment"}


def test_runs_do_not_pile_up_or_hang(path: Path) -> None:
    """A workflow that calls leaves both to the one that is called."""
    workflow = read(path)
    for job in workflow.jobs.values():
        if "uses" not in job:
            concurrency = {**workflow.content, **job}["concurrency"]
            assert concurrency["group"]
            assert isinstance(concurrency["cancel-in-progress"], bool)
            assert 0 < job["timeout-minutes"] <= 360


def test_no_checkout_leaves_its_token_behind(path: Path) -> None:
    checkouts = [step for _, step in read(path).steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts or path.stem in {"drift", "preview", "up"}
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_expression_is_pasted_into_a_script(path: Path) -> None:
    assert [step["run"] for _, step in read(path).steps() if "${{" in step.get("run", "")] == []


def test_no_expression_is_pasted_into_a_script_of_the_action() -> None:
    assert [step["run"] for step in action().values() if "${{" in step.get("run", "")] == []
    assert {step["shell"] for step in action().values() if "run" in step} == {"bash"}


def test_a_pipe_s_first_part_may_not_fail_unseen(path: Path) -> None:
    """``shell: bash`` is what gives a script -e and pipefail on GitHub."""
    workflow = read(path)
    scripts = [step for _, step in workflow.steps() if "run" in step]
    assert not scripts or workflow.content["defaults"]["run"]["shell"] == "bash"


def test_secrets_are_given_to_single_steps(path: Path) -> None:
    workflow = read(path)
    assert "secrets." not in str(workflow.content.get("env", {}))
    for job in workflow.jobs.values():
        assert "secrets." not in str(job.get("env", {}))
        if "secrets." in str(job):
            assert "environment" in job or "uses" in job


def test_caches_belong_to_a_lock_file(path: Path) -> None:
    for _, step in read(path).steps():
        if "cache" in step.get("with", {}):
            listed = step["with"]["cache-dependency-path"].split()
            assert all((ROOT / lock).exists() for lock in listed)


def test_the_pulumi_cli_has_the_version_of_the_package() -> None:
    match = re.search(r"^pulumi==(\S+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert match is not None
    steps = [step for path in ALL for _, step in read(path).steps() if "pulumi/actions@" in step.get("uses", "")]
    inputs = [read(path).content[True]["workflow_call"]["inputs"] for path in CALLED]
    versions = [step["with"]["pulumi-version"] for step in steps]
    versions += [given["pulumi-version"]["default"] for given in inputs]
    assert len(versions) > len(CALLED)
    assert set(versions) == {match[1]}


@each_row("file", [*(path for path in OWN if path not in CALLED), *EXAMPLES])
def test_a_caller_gives_what_the_called_workflow_takes(file: Path) -> None:
    """Neither actionlint nor zizmor follows these calls."""
    for job in (job for job in read(file).jobs.values() if "uses" in job):
        called = own(Path(job["uses"].partition("@")[0]).stem)
        takes = called.content[True]["workflow_call"]
        needed = {key for key, value in takes["inputs"].items() if value.get("required")}
        assert needed <= set(job["with"]) <= set(takes["inputs"])
        assert set(job["secrets"]) == set(takes["secrets"])
        granted = {key: value for inner in called.jobs.values() for key, value in inner["permissions"].items()}
        assert job["permissions"] == granted


def test_the_action_is_given_what_it_takes() -> None:
    takes = yaml.safe_load(SETUP.read_text(encoding="utf-8"))["inputs"]
    needed = {key for key, value in takes.items() if value.get("required")}
    given = [step["with"] for path in CALLED for _, step in read(path).steps() if "setup" in step.get("uses", "")]
    assert given
    assert all(needed <= set(one) <= set(takes) for one in given)
    assert set(takes) == {key for one in given for key in one}


@each_row("stem", ["drift", "preview", "up"])
def test_an_example_is_this_repository_s_own_but_for_the_pin(stem: str) -> None:
    example = read(ROOT / "examples" / "github" / f"{stem}.yml")
    mine = own(stem)
    (called,) = example.jobs.values()
    (calls,) = mine.jobs.values()
    assert called["uses"].partition("voiceid-optout/")[2].partition("@")[0] == calls["uses"].removeprefix("$/")
    assert calls["with"].pop("package") == "checkout"
    assert {**called, "uses": ""} == {**calls, "uses": ""}
    assert example.triggers == mine.triggers
    assert len(example.text.splitlines()) <= 50


def test_dependabot_moves_the_pins_of_every_lock_file() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    (python,) = [update for update in updates if update["package-ecosystem"] == "pip"]
    made = re.findall(r" -o (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert made
    assert all(Path(lock).suffix == ".txt" and (ROOT / lock).is_file() for lock in made)
    assert set(python["directories"]) == {
        f"/{folder}".removesuffix(".") for lock in made for folder in [Path(lock).parent]
    }


@pytest.mark.parametrize("stem", ["ci", "optout-preview"])
def test_forks_get_a_validation_and_nothing_else(stem: str) -> None:
    same = "github.event.pull_request.head.repo.full_name == github.repository"
    for job_name, job in own(stem).jobs.items():
        if job_name == "validate":
            assert job["permissions"] == {"contents": "read"}
            assert not re.search(r"secrets\.|environment|github\.token|vars\.", str(job))
        else:
            assert same in job["if"]


def test_a_fork_s_register_is_checked_by_the_code_of_the_base() -> None:
    workflow = own("optout-preview")
    code = workflow.step("validate", "Check out the code that checks")["with"]
    assert code["ref"].endswith("&& github.sha || github.event.pull_request.base.sha }}")
    proposed = workflow.step("validate", "Check out the register that is proposed, and nothing else")["with"]
    assert proposed["sparse-checkout"].split() == ["/config/", "/Pulumi.*.yaml"]
    assert proposed["sparse-checkout-cone-mode"] is False
    assert workflow.step("validate", "Set up")["with"]["code"] == code["path"]
    run = workflow.step("validate", "Validate")
    assert run["working-directory"] == proposed["path"]
    assert run["run"].startswith("../.venv/")
    assert run["env"] == {"PYTHONSAFEPATH": "1"}


def test_an_update_is_never_cut_short_and_never_forgotten() -> None:
    assert own("optout-up").jobs["up"]["concurrency"] == {
        "group": "optout-up-${{ matrix.stack }}",
        "cancel-in-progress": False,
        "queue": "max",
    }
    assert "concurrency" not in own("up").content


def test_only_an_update_may_use_the_keys_that_write() -> None:
    environments = {stem: own(f"optout-{stem}").jobs[stem]["environment"] for stem in ("preview", "up", "drift")}
    reading = {"name": "${{ matrix.stack }}-preview", "deployment": False}
    assert environments == {"preview": reading, "up": "${{ matrix.stack }}", "drift": reading}
    assert own("up").triggers == {"push", "workflow_dispatch"}
    assert own("up").content[True]["push"]["branches"] == ["main"]
    for stem in ("preview", "up", "drift"):
        job = own(f"optout-{stem}").jobs[stem]
        assert job["strategy"] == {"fail-fast": False, "matrix": {"stack": "${{ fromJSON(inputs.stacks) }}"}}
        assert "inputs.stacks != '[]'" in job["if"]  # a matrix of nothing would be an error


def test_what_may_be_written_to_the_repository_is_one_thing_each() -> None:
    asked = {
        stem: {
            key: value
            for key, value in own(f"optout-{stem}").jobs[stem]["permissions"].items()
            if key != "contents"
        }
        for stem in ("preview", "up", "drift")
    }
    assert asked == {
        "preview": {"id-token": "write", "pull-requests": "write"},
        "up": {"id-token": "write", "pull-requests": "read"},
        "drift": {"id-token": "write", "issues": "write"},
    }


def test_the_token_is_given_to_our_own_command_alone() -> None:
    for path in CALLED:
        for _, step in read(path).steps():
            if "github.token" in str(step):
                assert re.search(r"optout (?:comment|approved|issue)", step["run"])
    assert "github.token" not in SETUP.read_text(encoding="utf-8")


def test_only_a_tag_is_released_and_only_after_the_checks() -> None:
    release = own("release")
    assert release.content[True] == {"push": {"tags": ["v[0-9]*"]}}
    assert [name for name, job in release.jobs.items() if "needs" not in job] == ["check"]
    assert release.step("check", "Check and build")["run"].startswith("make release-check TAG=")
    writing = {
        name: job["permissions"] for name, job in release.jobs.items() if "write" in job["permissions"].values()
    }
    assert set(writing) == {"attest", "publish", "image", "announce"}
    assert release.jobs["publish"]["environment"] == "pypi"
    assert "password" not in str(release.jobs["publish"])  # trusted publishing


def test_the_image_s_base_is_pinned_by_its_digest() -> None:
    text = (ROOT / "deploy" / "container" / "Containerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-bookworm@sha256:[0-9a-f]{64}", bases[0])
