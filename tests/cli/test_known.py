"""Whose identifiers are known. States are made by the embedded engine's own parts: these are its files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.projects import DOMAIN, NAME, PASSPHRASE, SALT, Project, label_of
from tests.tables import each_row
from voiceid_optout import speakers
from voiceid_optout import urn as urns
from voiceid_optout.cli.known import MOST_TEXTS, Mask, Shown, is_given, matcher, unknown_words
from voiceid_optout.forge import IdentifierInText
from voiceid_optout.speakers import SHARD_TYPE, SPEAKER_TYPE
from voiceid_optout.state import passphrase
from voiceid_optout.state.checkpoint import Checkpoint, PendingOperation, render
from voiceid_optout.state.resource import ResourceState
from voiceid_optout.state.values import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = "caller-1000001"
LEFT = "caller-1000002"  # in the state, not in the register
UNDER_WAY = "caller-1000003"
GENERATED = "id#AbCdEfGhIjKlMnOpQrStUv"


def person(speaker_id: str, **more: Any) -> ResourceState:
    label = label_of(DOMAIN, speaker_id)
    properties = {"domain_id": DOMAIN, "speaker_id": Secret(speaker_id), "ensure": "opted_out"}
    return ResourceState(
        urn=urns.make("test", NAME, "", SPEAKER_TYPE, label),
        custom=True,
        type=SPEAKER_TYPE,
        id=f"{DOMAIN}/1",
        inputs=properties,
        outputs={**properties, **more},
    )


def people(*speaker_ids: str) -> ResourceState:
    labels = {label_of(DOMAIN, speaker_id): speaker_id for speaker_id in speaker_ids}
    properties = {
        "members": speakers.shard_text(dict.fromkeys(labels, "opted_out")),
        "speaker_ids": Secret(speakers.shard_text(labels)),
    }
    return ResourceState(
        urn=urns.make("test", NAME, "", SHARD_TYPE, f"{DOMAIN}-00"),
        custom=True,
        type=SHARD_TYPE,
        id=f"{DOMAIN}/00",
        inputs=properties,
        outputs=properties,
    )


def write(project: Project, *resources: ResourceState, pending: tuple[ResourceState, ...] = ()) -> None:
    snapshot = Checkpoint(resources, tuple(PendingOperation(item, "creating") for item in pending))
    crypter = passphrase.open_with(PASSPHRASE, SALT)
    project.state_file.parent.mkdir(parents=True, exist_ok=True)
    project.state_file.write_bytes(render("test", NAME, snapshot, crypter, datetime.now(UTC)))


def masked(project: Project, text: str, environment: Mapping[str, str] | None = None) -> tuple[str, str]:
    labels = {label_of(DOMAIN, HERE)}
    found, why = matcher(project.context(), environment or {}, labels)
    return found.masked(text), why


@pytest.fixture(autouse=True)
def _register(project: Project) -> None:
    project.people(HERE)


def test_without_a_state_the_register_is_known(project: Project) -> None:
    assert masked(project, f"{HERE} {LEFT}") == (f"… {LEFT}", "")


@pytest.mark.parametrize("resource", [person(LEFT), people(HERE, LEFT)])
def test_who_leaves_is_known_from_the_state(project: Project, resource: ResourceState) -> None:
    write(project, resource, pending=(person(UNDER_WAY),))
    assert masked(project, f"{HERE} x{LEFT}x {UNDER_WAY}") == ("… x…x …", "")
    found, _ = matcher(project.context(), {}, frozenset())
    with pytest.raises(IdentifierInText, match="the identifier of somebody in the state:"):
        found.check(LEFT)
    with pytest.raises(IdentifierInText, match=r"the identifier of config/people.yaml:3:"):
        found.check(HERE)


def test_what_a_state_of_before_has_in_clear_is_known(project: Project) -> None:
    write(project, person(HERE, generated_speaker_id=GENERATED))
    assert masked(project, f"x{GENERATED[3:]}x", {"PULUMI_CONFIG_PASSPHRASE": "not needed"}) == ("x…x", "")


@pytest.mark.parametrize("resource", [person(HERE), people(HERE)])
def test_nothing_is_unsealed_when_all_are_in_the_register(project: Project, resource: ResourceState) -> None:
    write(project, resource)
    assert masked(project, LEFT, {"PULUMI_CONFIG_PASSPHRASE": "wrong"}) == (LEFT, "")


@pytest.mark.parametrize(
    ("environment", "why"),
    [({"PULUMI_CONFIG_PASSPHRASE": "wrong"}, "incorrect passphrase"), ({}, "no passphrase: set PULUMI_CONFIG")],
)
def test_a_state_that_stays_sealed_is_said(project: Project, environment: dict[str, str], why: str) -> None:
    write(project, person(LEFT))
    if not environment:
        project.environment.pop("PULUMI_CONFIG_PASSPHRASE")
    text, said = masked(project, f"{HERE} {LEFT}", environment)
    assert text == f"… {LEFT}"
    assert why in said


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "[" * 20_000,
        '{"checkpoint": {"latest": {"resources": [{}]}}}',
        '{"checkpoint": {"latest": {"resources": [{"urn": 1}]}}}',
    ],
)
def test_what_is_no_state_is_said(project: Project, content: str) -> None:
    project.state_file.parent.mkdir(parents=True)
    project.state_file.write_text(content, encoding="utf-8")
    assert masked(project, HERE) == ("…", "it is no state that can be read" if content else "")


def test_another_secrets_provider_is_said(project: Project) -> None:
    write(project, person(LEFT))
    document = json.loads(project.state_file.read_bytes())
    document["checkpoint"]["latest"]["secrets_providers"] = {"type": "cloud", "state": {}}
    project.state_file.write_text(json.dumps(document), encoding="utf-8")
    assert "another secrets provider" in masked(project, HERE)[1]


def test_a_state_elsewhere_takes_the_cli(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    project.environment["PULUMI_BACKEND_URL"] = "s3://bucket"
    assert masked(project, HERE) == ("…", "it takes the Pulumi CLI to read it where it is")


def test_a_mask_is_made_when_there_is_a_text(project: Project) -> None:
    said: list[str] = []
    project.state_file.parent.mkdir(parents=True)
    project.state_file.write_text("{", encoding="utf-8")
    mask = Mask(project.context(), {}, frozenset(), said.append)
    assert (mask(""), mask.name("sp-0123456789abcdef"), said) == ("", "sp-0123456789abcdef", [])
    assert mask(HERE) == "…"
    assert mask.name(f"of-{HERE}") == "of-…"
    assert mask.place(f"config/{HERE}.yaml:7") == "config/….yaml:7"
    assert mask.values({"a": [HERE, 1, None], "b": {"c": f"x{HERE}"}}) == {"a": ["…", 1, None], "b": {"c": "x…"}}
    assert said == [unknown_words("it is no state that can be read")]


def test_a_few_short_texts_are_looked_through_without_the_state_where_a_plan_has_compared_both(
    project: Project,
) -> None:
    said: list[str] = []
    project.state_file.parent.mkdir(parents=True)
    project.state_file.write_text("{", encoding="utf-8")
    mask = Mask(project.context(), {}, frozenset(), said.append)
    mask.listed_alone()
    assert [mask("config/people.yaml") for _ in range(MOST_TEXTS)] == ["config/people.yaml"] * MOST_TEXTS
    assert said == []
    assert mask(f"config/{HERE.upper()}.yaml") == "config/….yaml"
    assert len(said) == 1


@pytest.mark.parametrize("resource", [person(HERE), people(HERE)])
def test_no_matcher_is_made_where_the_state_has_those_of_the_register_alone(
    project: Project, resource: ResourceState
) -> None:
    write(project, resource)
    said: list[str] = []
    mask = Mask(project.context(), {"PULUMI_CONFIG_PASSPHRASE": "wrong"}, {label_of(DOMAIN, HERE)}, said.append)
    assert (mask("config/people.yaml"), mask._made) == ("config/people.yaml", False)
    assert mask(f"{LEFT} and {HERE}") == f"{LEFT} and …"
    assert said == []


@pytest.mark.parametrize("resource", [person(LEFT), people(HERE, LEFT), person(HERE, generated=GENERATED)])
def test_a_matcher_is_made_where_the_state_has_others(project: Project, resource: ResourceState) -> None:
    write(project, resource)
    mask = Mask(project.context(), {}, {label_of(DOMAIN, HERE)}, pytest.fail)
    assert mask(f"{LEFT}.yaml") == (f"{LEFT}.yaml" if "generated" in resource.outputs else "….yaml")
    assert mask._made


def test_a_matcher_is_made_where_a_step_under_way_has_others(project: Project) -> None:
    write(project, people(HERE), pending=(person(UNDER_WAY),))
    assert Mask(project.context(), {}, {label_of(DOMAIN, HERE)}, pytest.fail)(f"{UNDER_WAY}.yaml") == "….yaml"


def test_a_shard_as_the_register_has_it_is_not_taken_apart(project: Project) -> None:
    shard = people(HERE, LEFT)
    write(project, shard)
    given = project.context(), {"PULUMI_CONFIG_PASSPHRASE": "wrong"}, frozenset[str]()
    assert matcher(*given, members={shard.inputs["members"]})[1] == ""
    assert "incorrect passphrase" in matcher(*given, members={f"{shard.inputs['members']} "})[1]


def test_one_look_tells_of_all_files_of_the_register(project: Project) -> None:
    for number in range(MOST_TEXTS + 1):
        (project.root / "config" / f"more-{number}.yaml").write_text(f"domain: {DOMAIN}\nspeakers: []\n", "utf-8")
    mask = Mask(project.context(), {}, frozenset(), pytest.fail)
    files = project.context().register.files
    assert [mask.place(f"{file}:{number}") for number, file in enumerate(files)] == [
        f"{file}:{number}" for number, file in enumerate(files)
    ]
    assert (mask._made, mask._looked) == (False, 1)
    assert mask.place(f"old/{HERE}.yaml:7") == "old/….yaml:7", "a file of before is looked at by itself"


def test_a_file_that_is_named_after_somebody_is_masked_and_no_other(project: Project) -> None:
    (project.root / "config" / f"{HERE}.yaml").write_text(f"domain: {DOMAIN}\nspeakers: []\n", "utf-8")
    mask = Mask(project.context(), {}, frozenset(), pytest.fail)
    places = [mask.place(f"{file}:1") for file in project.context().register.files]
    assert sorted(places) == ["config/people.yaml:1", "config/….yaml:1"]


@pytest.mark.parametrize("content", ['{"pending_operations": 1}', f"{{{GENERATED}"])
def test_what_no_plan_has_compared_is_read(project: Project, content: str) -> None:
    said: list[str] = []
    project.state_file.parent.mkdir(parents=True, exist_ok=True)
    project.state_file.write_text(content, encoding="utf-8")
    mask = Mask(project.context(), {}, frozenset(), said.append)
    mask.listed_alone()
    assert mask("config/people.yaml") == "config/people.yaml"
    assert mask._made


def test_to_look_whether_somebody_is_there_masks_nothing() -> None:
    shown = Shown({"a": "1"}, pytest.fail)
    assert ("a" in shown, "b" in shown) == (True, False)


def test_what_is_shown_is_masked_when_it_is_asked_for() -> None:
    shown = Shown({"a": "1", "b": "2"}, lambda text: f"<{text}>")
    assert (len(shown), list(shown), shown["a"], shown.get("b"), shown.get("c")) == (
        2,
        ["a", "b"],
        "<1>",
        "<2>",
        None,
    )


@each_row(
    ("name", "given"),
    [("sp-0123456789abcdef", True), (f"{DOMAIN}-a0", True), ("caller-1", False), ("sp-0123456789abcdef-x", False)],
)
def test_names_that_our_program_gives(name: str, given: bool) -> None:
    assert is_given(name) is given
