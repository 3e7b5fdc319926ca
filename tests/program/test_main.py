"""The Pulumi program, run as the SDK's launcher runs it."""

import json
import runpy
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.providers.guardrails import GIVEN
from tests.providers.monitor import TYPE, Monitor, run_program
from tests.providers.process import ROOT
from tests.voiceid.scripted import DOMAIN
from voiceid_optout import speakers
from voiceid_optout.speakers import GUESSABLE_VARIABLE, Person, label


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with an empty register; the current one, as under the CLI."""
    (tmp_path / "config").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(project: Path, text: str, name: str = "people.yaml") -> None:
    (project / "config" / name).write_text(text)


def run(**config: str) -> Monitor:
    """Run it under this config; labels may be guessed unless it has a key or says otherwise."""
    program: Any = str(ROOT / "__main__.py")
    given = config if "labelKey" in config else {"guessableLabels": "true", **config}
    return run_program(lambda: runpy.run_path(program, run_name="__main__") and None, given)


def test_one_resource_a_person(project: Path) -> None:
    write(
        project,
        f"domain: {DOMAIN}\nspeakers: [caller-1, caller-2]\nreleased:\n  - id: caller-3\n    reason: consent\n",
    )
    outcome = run(labelKey="hush")
    ensures = {request.name: request.object["ensure"] for request in outcome.requests}
    assert ensures == {
        label("hush", DOMAIN, "caller-1"): "opted_out",
        label("hush", DOMAIN, "caller-2"): "opted_out",
        label("hush", DOMAIN, "caller-3"): "released",
    }


def test_counts_are_exported_and_nothing_else(project: Path) -> None:
    write(project, f"domain: {DOMAIN}\nspeakers: [caller-1]\nreleased:\n  - id: caller-3\n    reason: consent\n")
    assert run().exports == {"people": 2, "released": 1}


def test_without_a_label_key_the_domain_takes_its_place(project: Path) -> None:
    write(project, f"domain: {DOMAIN}\nspeakers: [caller-1]\n")
    assert run().names() == [label(DOMAIN, DOMAIN, "caller-1")]


@pytest.mark.parametrize(
    ("config", "refused"),
    [
        ({"guessableLabels": "false"}, True),
        ({"guessableLabels": "false", "service": "embedded"}, False),
        ({"guessableLabels": "false", "labelKey": "hush"}, False),
    ],
)
def test_labels_that_could_be_guessed_are_refused_outside_a_sandbox(
    project: Path, config: dict[str, str], *, refused: bool
) -> None:
    write(project, f"domain: {DOMAIN}\nspeakers: [caller-1]\n")
    if refused:
        with pytest.raises(pulumi.RunError, match="optout config set --secret labelKey --random"):
            run(**config)
    else:
        assert len(run(**config).names()) == 1


def test_optout_lets_a_stack_that_ran_before_keep_its_labels(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, f"domain: {DOMAIN}\nspeakers: [caller-1]\n")
    monkeypatch.setenv(GUESSABLE_VARIABLE, "true")
    assert run(guessableLabels="false").names() == [label(DOMAIN, DOMAIN, "caller-1")]


@pytest.mark.parametrize(("previous", "key"), [("hush", "hush"), ("domain-id", DOMAIN)])
def test_while_the_key_changes_a_resource_is_known_by_its_label_of_before(
    project: Path, previous: str, key: str
) -> None:
    write(project, f"domain: {DOMAIN}\nspeakers: [caller-1]\n")
    (request,) = run(labelKey="new", previousLabelKey=previous).requests
    assert request.name == label("new", DOMAIN, "caller-1")
    (alias,) = request.aliasURNs
    assert alias.endswith(f"::{label(key, DOMAIN, 'caller-1')}")


def test_domain_from_the_stack(project: Path) -> None:
    write(project, "- caller-1\n")
    [request] = run(domain="emea", domains=f'{{"emea": "{DOMAIN}"}}').requests
    assert request.object["domain_id"] == DOMAIN


def test_register_in_another_folder(project: Path) -> None:
    (project / "people").mkdir()
    (project / "people" / "all.yaml").write_text(f"domain: {DOMAIN}\nspeakers: [caller-1]\n")
    assert len(run(register="people").requests) == 1


@pytest.mark.costly
def test_more_people_than_a_batch(project: Path) -> None:
    write(project, f"domain: {DOMAIN}\nspeakers:\n" + "".join(f"  - caller-{number}\n" for number in range(250)))
    outcome = run()
    assert len(set(outcome.names())) == 250
    assert outcome.exports["people"] == 250


def test_a_register_with_faults_fails_with_their_lines(project: Path) -> None:
    write(project, f"domain: {DOMAIN}\nspeakers:\n  - planted 4711\n  - caller-1\n  - caller-1\n")
    with pytest.raises(pulumi.RunError) as caught:
        run()
    lines = str(caught.value).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["config/people.yaml:3:5:", "config/people.yaml:5:5:"]
    assert "planted" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_register_that_is_not_there(project: Path) -> None:
    with pytest.raises(pulumi.RunError, match="nowhere"):
        run(register="nowhere")


def test_no_identifier_is_in_names_or_exports(project: Path) -> None:
    write(project, f"domain: {DOMAIN}\nspeakers: [planted-4711]\n")
    outcome = run()
    assert "planted" not in "".join(outcome.names()) + str(outcome.exports)


def test_sharded_people_share_resources(project: Path) -> None:
    people = "".join(f"  - caller-{number}\n" for number in range(1500))
    write(project, f"domain: {DOMAIN}\nspeakers:\n{people}released:\n  - id: caller-x\n    reason: consent\n")
    outcome = run(grouping="sharded", labelKey="hush")
    assert outcome.exports == {"people": 1501, "released": 1}
    labels = {label("hush", DOMAIN, f"caller-{number}"): "opted_out" for number in range(1500)}
    labels[label("hush", DOMAIN, "caller-x")] = "released"
    # Each once; they arrive in no order, for registrations are under way side by side.
    assert sorted(outcome.names()) == sorted({f"{DOMAIN}-{speakers.shard_of(each)}" for each in labels})
    found = [pair for request in outcome.requests for pair in speakers.shard_lines(request.object["members"])]
    assert len(found) == 1501
    assert dict(found) == labels


def test_sharded_an_empty_register_declares_nothing(project: Path) -> None:
    write(project, f"domain: {DOMAIN}\nspeakers: []\n")
    assert run(grouping="sharded").requests == []


def test_a_grouping_that_is_none(project: Path) -> None:
    with pytest.raises(pulumi.RunError, match="voiceid-optout:grouping is single or sharded"):
        run(grouping="many")


GUARDRAILS = {"region": "eu-central-1", "domain": DOMAIN, "guardrailSettings": json.dumps(GIVEN)}
COMPONENT = "voiceid:index:OptOutGuardrails"


@pytest.mark.aws
def test_guardrails_come_before_people(project: Path) -> None:
    write(project, f"domain: {DOMAIN}\nspeakers: [caller-1]\n")
    outcome = run(guardrails="true", **GUARDRAILS)
    assert outcome.types.index(COMPONENT) < outcome.types.index(TYPE)
    assert outcome.exports["people"] == 1
    roles = {name: outcome.exports[name] for name in ("previewRole", "applyRole")}
    assert roles == {"previewRole": "arn-of:guardrails-preview", "applyRole": "arn-of:guardrails-apply"}


@pytest.mark.aws
def test_a_stack_of_guardrails_alone_reads_no_register(project: Path) -> None:
    write(project, "not a register")
    outcome = run(guardrails="only", **GUARDRAILS)
    assert (outcome.requests, outcome.types.count(COMPONENT)) == ([], 1)
    assert outcome.types.count("aws:iam/role:Role") == 2
    assert "people" not in outcome.exports


def test_guardrails_that_are_switched_off_are_not_looked_at(project: Path) -> None:
    write(project, f"domain: {DOMAIN}\nspeakers: [caller-1]\n")
    outcome = run(guardrails="false", guardrailSettings='{"account": "no account"}')
    assert COMPONENT not in outcome.types
    assert outcome.exports == {"people": 1, "released": 0}


def test_whom_the_command_has_read_is_declared_and_the_register_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no register is
    people = [Person(f"sp-{number:016x}", DOMAIN, f"caller-{number}", "opted_out") for number in range(3)]
    monkeypatch.setattr(speakers, "handed_over", lambda: tuple(people))
    outcome = run(labelKey="hush")
    assert sorted(outcome.names()) == [person.label for person in people]
    assert outcome.exports == {"people": 3, "released": 0}


def test_nobody_is_whom_the_command_has_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(speakers, "handed_over", tuple)
    assert run(labelKey="hush").names() == []
