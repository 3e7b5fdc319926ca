"""Which key labels are made with: made at the first `up`, kept by older stacks, changed by `optout labels`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.cli.engines import EITHER
from tests.cli.projects import NAME, label_of
from voiceid_optout.cli.context import label_keys

if TYPE_CHECKING:
    from tests.cli.projects import Project
    from tests.service.running import Service

LABEL = re.compile(r"sp-[0-9a-f]{16}")


@pytest.fixture(params=EITHER)
def stack(request: pytest.FixtureRequest, live: Project) -> Project:
    """A stack without a label key that has never run, on either engine."""
    live.environment.update(OPTOUT_ENGINE=request.param, CI="")
    content = yaml.safe_load((live.root / "Pulumi.test.yaml").read_text(encoding="utf-8"))
    del content["config"][f"{NAME}:guessableLabels"]
    (live.root / "Pulumi.test.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return live


def config(project: Project) -> dict[str, object]:
    content = yaml.safe_load((project.root / "Pulumi.test.yaml").read_text(encoding="utf-8"))
    return {key.removeprefix(f"{NAME}:"): value for key, value in content["config"].items()}


def labels(project: Project) -> set[str]:
    keys = label_keys(project.context(), project.environment)
    return {keys.label(entry) for entry in project.context().register.entries}


def in_state(project: Project) -> set[str]:
    text = project.state_file.read_text(encoding="utf-8")
    return set(re.findall(r'(?:::|"|\\n)(sp-[0-9a-f]{16})(?=[" ])', text))


def writes(service: Service) -> float:
    """Return how many calls so far have changed a speaker."""
    _, text = service.admin("/metrics")
    counts = re.findall(r'voiceid_requests_total\{operation="(?:OptOut|Delete)Speaker".*?\} (\S+)', text)
    return sum(map(float, counts))


def test_the_first_up_makes_a_key_that_nobody_knows(stack: Project, domain: str) -> None:
    result = stack.run("up", "--yes")
    assert result.exit_code == 0, result.output
    assert "Made a secret key for the labels of this stack in Pulumi.test.yaml: commit that file." in result.output
    assert set(config(stack)["labelKey"]) == {"secure"}  # type: ignore[call-overload]
    assert in_state(stack) == labels(stack)
    assert label_of(domain, "caller-1") not in labels(stack)
    assert stack.run("preview", "--detailed-exitcode").exit_code == 0
    assert "key" not in stack.run("up", "--yes").output


@pytest.mark.parametrize("command", [("preview",), ("up", "--yes")])
def test_a_runner_never_makes_one(stack: Project, command: tuple[str, ...]) -> None:
    before = (stack.root / "Pulumi.test.yaml").read_bytes()
    result = stack.run(*command, CI="true")
    assert result.exit_code == 2
    assert "optout config set --secret labelKey --random --stack test" in result.output
    assert len(result.output.splitlines()) == 1
    assert (stack.root / "Pulumi.test.yaml").read_bytes() == before
    assert not stack.state_file.exists()


def test_a_preview_writes_nothing_so_it_says_what_to_type(stack: Project) -> None:
    result = stack.run("preview")
    assert result.exit_code == 2
    assert not LABEL.search(result.output)
    assert stack.run("config", "set", "--secret", "labelKey", "--random").exit_code == 0
    result = stack.run("preview")
    assert result.exit_code == 0, result.output
    assert set(LABEL.findall(result.output)) == labels(stack)


def test_a_stack_that_ran_without_keeps_its_labels_with_a_warning(stack: Project, domain: str) -> None:
    stack.run("config", "set", "guessableLabels", "true")
    assert "warning" not in stack.run("up", "--yes").output
    stack.run("config", "set", "guessableLabels", "false")
    result = stack.run("up", "--yes", CI="true")
    assert result.exit_code == 0, result.output
    assert "warning: whoever sees a label of this stack can find out whose it is" in result.output
    assert "optout labels rotate --stack test" in result.output
    assert in_state(stack) == {label_of(domain, person) for person in ("caller-1", "caller-2")}
    assert "labelKey" not in config(stack)


@pytest.mark.parametrize("grouping", ["single", "sharded"])
@pytest.mark.parametrize("keyed", [True, False])
def test_a_rotation_moves_everybody_and_touches_nobody(
    stack: Project, service: Service, domain: str, grouping: str, *, keyed: bool
) -> None:
    people = [f"caller-{number}" for number in range(1, 13)]
    stack.people(*people, released={"caller-20": "consent"}, domain=domain)
    stack.run("config", "set", "grouping", grouping)
    if not keyed:
        stack.run("config", "set", "guessableLabels", "true")
    assert stack.run("up", "--yes").exit_code == 0
    old = in_state(stack)
    asked = writes(service)
    assert asked > 0

    result = stack.run("labels", "rotate")
    assert result.exit_code == 0, result.output
    result = stack.run("preview")
    assert result.exit_code == 0, result.output
    assert f"{len(old)} to move, 0 unchanged" in result.output
    assert result.output.count("gets a new label; the opt-out stays in the service") == len(old)
    assert set(LABEL.findall(result.output)) == labels(stack)
    assert "guard" not in result.output
    digest = result.output.rpartition("Digest: ")[2].split()[0]

    result = stack.run("up", "--approve", digest)
    assert result.exit_code == 0, result.output
    assert "took previousLabelKey out of Pulumi.test.yaml" in result.output
    assert writes(service) == asked
    assert in_state(stack) == labels(stack)
    assert not in_state(stack) & old
    assert "previousLabelKey" not in config(stack)
    assert stack.run("preview", "--detailed-exitcode").exit_code == 0
    if grouping == "single":
        new, gone = min(in_state(stack)), min(old)
        assert stack.run("preview", "--detailed-exitcode", "--target", new).exit_code == 0
        assert f"no one in the register has the label {gone}" in stack.run("preview", "--target", gone).output


def test_on_a_runner_the_key_of_before_stays_until_somebody_takes_it_out(stack: Project) -> None:
    stack.run("up", "--yes")
    assert stack.run("labels", "rotate", CI="true").exit_code == 2
    assert stack.run("labels", "rotate").exit_code == 0
    assert stack.run("labels", "rotate").exit_code == 2
    result = stack.run("labels", "finish")
    assert (result.exit_code, result.output) == (
        1,
        "error: 2 people have a label of before still: run optout up again\n",
    )
    assert "leave --target out" in stack.run("up", "--yes", "--target", min(labels(stack))).output
    result = stack.run("up", "--yes", CI="true")
    assert "run optout labels finish --stack test where Pulumi.test.yaml can be committed" in result.output
    assert "previousLabelKey" in config(stack)
    assert stack.run("preview", "--detailed-exitcode", CI="true").exit_code == 0
    assert stack.run("labels", "finish").exit_code == 0
    assert "previousLabelKey" not in config(stack)
    assert stack.run("labels", "finish").exit_code == 2


def test_drift_between_the_two_is_found_under_the_new_label(stack: Project, service: Service, domain: str) -> None:
    stack.run("up", "--yes")
    stack.run("labels", "rotate")
    service.client().delete_speaker(DomainId=domain, SpeakerId="caller-1")
    result = stack.run("drift")
    assert result.exit_code == 5, result.output
    assert set(LABEL.findall(result.output)) <= labels(stack)
    assert "config/people.yaml:" in result.output
    result = stack.run("up", "--yes")
    assert result.exit_code == 0, result.output
    assert in_state(stack) == labels(stack)
    assert stack.run("drift").exit_code == 0
