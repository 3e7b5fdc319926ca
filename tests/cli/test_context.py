import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from tests.cli.projects import DOMAIN, NAME, PASSPHRASE, PROGRAM, SALT, Project, label_of
from voiceid_optout.cli import context as context_module
from voiceid_optout.cli.context import People, _Entries, find, label_keys
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.config import Grouping
from voiceid_optout.register.faults import RegisterInvalid
from voiceid_optout.speakers import DOMAIN_IS_KEY, LabelKeys
from voiceid_optout.state import PassphraseError, ProjectError, passphrase
from voiceid_optout.voiceid.place import SANDBOX_PASSPHRASE


def test_a_wrong_stack_names_the_right_ones(project: Project) -> None:
    project.configure("production")
    with pytest.raises(
        ProjectError, match=r"no stack file Pulumi.tset.yaml; the stacks here are: production, test"
    ):
        project.context("tset")


def test_a_folder_without_a_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=f"no Pulumi.yaml in {tmp_path}: .* pass --cwd"):
        find(tmp_path, "test")


def test_the_process_environment_is_the_default(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "file:///somewhere")
    assert find(project.root, "test").backend() == Path("/somewhere")


def test_a_context_shows_no_environment(project: Project) -> None:
    assert PASSPHRASE not in repr(project.context())


@pytest.mark.parametrize("written", [{"maxLosses": 5}, '{"maxLosses": 5}'])
def test_objects_may_be_json_text(project: Project, written: Any) -> None:
    project.configure(guard=written)
    assert project.context().config.guard == {"maxLosses": 5}


@pytest.mark.parametrize(
    "command", [["preview"], ["drift"], ["env"], ["adopt"], ["destroy", "--yes"], ["up", "--yes"]]
)
def test_a_misspelled_setting_is_refused_before_anything_is_done(project: Project, command: list[str]) -> None:
    project.configure(domain=DOMAIN, gaurd={"maxLosses": 0}, qoutas={"optOut": 1})
    result = project.run(*command, PULUMI_STACK="test")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr.splitlines() == [
        "error: Pulumi.test.yaml: voiceid-optout:gaurd is no setting: did you mean guard?",
        "Pulumi.test.yaml: voiceid-optout:qoutas is no setting: did you mean quotas?",
    ]
    assert not project.state_folder.exists()


def test_only_a_stack_with_the_embedded_service_is_a_sandbox(project: Project) -> None:
    assert not project.context().is_sandbox
    project.configure(service="embedded")
    context = project.context()
    assert context.is_sandbox
    assert context.service_folder == project.root.resolve() / ".optout" / "service"


def test_the_default_domain_may_be_an_alias_or_an_id(project: Project) -> None:
    project.configure(domain="b", domains={"a": "A" * 22, "b": "B" * 22})
    assert project.context().domains() == ({"a": "A" * 22, "b": "B" * 22}, "B" * 22)
    project.configure(domain="C" * 22)
    assert project.context().domains() == ({}, "C" * 22)
    project.configure()
    assert project.context().domains() == ({}, None)


def test_the_register_lies_in_config_or_where_the_stack_says(project: Project) -> None:
    assert len(project.context().register.entries) == 2
    (project.root / "config").rename(project.root / "people")
    project.configure(register="people", domains={"sandbox": DOMAIN})
    assert project.context().register.files == ("people/people.yaml",)


def test_the_register_is_read_once(project: Project) -> None:
    context = project.context()
    assert context.register is context.register


def test_an_invalid_register_says_so(project: Project) -> None:
    project.people("not an id")
    with pytest.raises(RegisterInvalid):
        _ = project.context().register


def test_places_are_lines_by_label(project: Project) -> None:
    context = project.context()
    lines = (project.root / "config" / "people.yaml").read_text(encoding="utf-8").splitlines()
    assert People.of(context.register, LabelKeys()).places == {
        label_of(DOMAIN, speaker): f"config/people.yaml:{lines.index(f'- {speaker}') + 1}"
        for speaker in ("caller-1", "caller-2")
    }
    keyed = People.of(context.register, LabelKeys("a key")).places
    assert len(keyed) == 2
    assert not keyed.keys() & People.of(context.register, LabelKeys()).places.keys()


@pytest.mark.parametrize("previous", [None, DOMAIN_IS_KEY])
def test_people_of_shards_are_found_as_others_are(project: Project, previous: str | None) -> None:
    listed = "".join(f"- caller-{number}\n" for number in range(600))
    (project.root / "config" / "people.yaml").write_text(
        f"domain: {DOMAIN}\nspeakers:\n{listed}- {{id: caller-x, ticket: PRIV-1}}\n"
        "released:\n- {id: caller-y, reason: consent}\n",
        encoding="utf-8",
    )
    register, keys = project.context().register, LabelKeys("a key", previous)
    one, other = (People.of(register, keys, grouping) for grouping in Grouping)
    found = other.places._entries  # type: ignore[attr-defined]
    with mock.patch.object(_Entries, "_take_apart", side_effect=found._take_apart) as taken_apart:
        for name in ("count", "places", "renamed", "reasons", "tickets"):
            assert getattr(one, name) == getattr(other, name)
    assert taken_apart.call_count == len(other.declared)  # each once
    assert len(other.places) == (602 if previous is None else 1204)
    assert other.places.get("sp-0000000000000000") is None
    assert "sp-0000000000000000" not in other.reasons
    assert "sp-ffffffffffffffff" not in other.places
    assert "guardrails" not in other.places


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("", "{root}/.optout/state"),
        ("file:///var/state", "/var/state"),
        ("file:///var/with%20space", "/var/with space"),
        ("file://~", "{home}"),
        ("file://~/state", "{home}/state"),
        ("file://./state", "{root}/state"),
    ],
)
def test_the_state_lies_in_a_folder(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, folder: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    expected = folder.format(root=project.root.resolve(), home=tmp_path / "home")
    assert project.context(PULUMI_BACKEND_URL=url).backend() == Path(expected)


def test_a_sandbox_keeps_its_state_to_itself(project: Project) -> None:
    project.configure(service="embedded")
    context = project.context(PULUMI_BACKEND_URL="s3://bucket")
    assert context.backend() == project.root.resolve() / ".optout" / "state"


@pytest.mark.parametrize("url", ["s3://bucket", "azblob://box", "gs://bucket", "https://api.example.org"])
def test_other_backends_are_the_cli_s(project: Project, url: str) -> None:
    assert project.context(PULUMI_BACKEND_URL=url).remote_backend == url
    assert project.context(PULUMI_BACKEND_URL="file:///var/state").remote_backend == ""
    assert project.context().remote_backend == ""


@pytest.mark.parametrize(
    "url", ["/var/state", "ftp://example.org/state", "S 3://bucket", "file://[x", "s3://[::z]/b"]
)
def test_a_backend_that_nobody_knows(project: Project, url: str) -> None:
    with pytest.raises(
        CommandError, match=r"PULUMI_BACKEND_URL is no file:// URL and none of .* \(s3://, azblob://"
    ):
        project.context(PULUMI_BACKEND_URL=url).backend()


def test_the_file_s_endpoint_is_passed_on_unless_the_shell_has_one(project: Project) -> None:
    project.configure(endpoint="http://127.0.0.1:1", region="eu-central-1")
    assert project.context().endpoint_environment() == {
        "AWS_ENDPOINT_URL_VOICE_ID": "http://127.0.0.1:1",
        "AWS_REGION": "eu-central-1",
    }
    shell = {"AWS_ENDPOINT_URL_VOICE_ID": "http://127.0.0.1:2", "AWS_DEFAULT_REGION": "us-west-2"}
    assert project.context(**shell).endpoint_environment() == {}
    project.configure()
    assert project.context().endpoint_environment() == {}


def test_a_label_key_may_be_missing_or_plain(project: Project) -> None:
    assert label_keys(project.context(), {}).current is None
    project.configure(labelKey="in the open")
    assert label_keys(project.context(), {}).current == "in the open"
    project.configure(labelKey="")
    assert label_keys(project.context(), {}).current is None


def test_a_secret_label_key_is_opened_with_the_passphrase(project: Project) -> None:
    sealed = passphrase.open_with(PASSPHRASE, SALT).encrypt("a secret key")
    project.configure(labelKey={"secure": sealed})
    project.salt()
    assert label_keys(project.context(), {}).current == "a secret key"
    with pytest.raises(PassphraseError, match="incorrect passphrase"):
        label_keys(project.context(), {"PULUMI_CONFIG_PASSPHRASE": "another"})


def test_a_secret_label_key_needs_the_salt(project: Project) -> None:
    project.configure(labelKey={"secure": "v1:AAAA:AAAA"})
    with pytest.raises(CommandError, match=r"Pulumi.test.yaml has secrets but no encryptionsalt"):
        label_keys(project.context(), {})


def test_config_of_another_project_is_not_ours(project: Project) -> None:
    content = {"config": {"other:domain": DOMAIN, f"{NAME}:region": "us-east-1"}}
    (project.root / "Pulumi.test.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert project.context().config.domain is None


def test_reasons_of_releases_are_given_by_label(project: Project) -> None:
    project.people("caller-1", "caller-2", released={"caller-3": "consented again", "B-9": "B"})
    assert People.of(project.context().register, LabelKeys()).reasons == {
        label_of(DOMAIN, "caller-3"): "consented again",
        label_of(DOMAIN, "B-9"): "B",
    }
    project.people("caller-1")
    assert People.of(project.context().register, LabelKeys()).reasons == {}


COMMANDS = (
    *(["validate"], ["add", "caller-9"], ["release", "caller-1", "--reason", "consented"], ["adopt"], ["env"]),
    *(["preview"], ["up", "--yes"], ["refresh"], ["drift"], ["destroy", "--yes"]),
)
CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "endpoint": ({"endpoint": "https://voiceid.example.org"}, "beside voiceid-optout:endpoint"),
    "service": ({"service": "embeded"}, "voiceid-optout:service is embedded, nothing else"),
    "clear": ({"service": None, "endpoint": "http://a.example.net:8099"}, "on another machine"),
}


@pytest.mark.parametrize("kind", CONTRADICTIONS)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_every_command_refuses_a_file_that_contradicts_itself(
    project: Project, command: list[str], kind: str
) -> None:
    more, words = CONTRADICTIONS[kind]
    project.configure(**{"service": "embedded", "domain": DOMAIN, "region": "us-east-1", **more})
    project.people("caller-1", domain=DOMAIN)
    before = everything(project)
    result = project.run(*command, "--stack", "test")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    # A wrong usage echoes no argument, and so not the name of the stack either.
    assert re.match(r"[Ee]rror: Pulumi\.(?:test|…)\.yaml", result.stderr.splitlines()[-1])
    assert words in result.stderr
    assert everything(project) == before


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_every_command_refuses_a_sandbox_with_a_passphrase_of_its_own(project: Project, command: list[str]) -> None:
    project.configure(service="embedded", domain=DOMAIN)
    project.people("caller-1", domain=DOMAIN)
    project.salt()
    before = everything(project)
    result = project.run(*command, "--stack", "test")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert result.stderr.splitlines()[-1].replace("Error", "error").replace("…", "test") == (
        "error: Pulumi.test.yaml has voiceid-optout:service: embedded beside an encryptionsalt of a passphrase of "
        "its own: a sandbox is sealed with one that everybody knows, so take the service out, or begin a new "
        "stack"
    )
    assert everything(project) == before


def test_a_sandbox_may_have_a_salt_of_the_public_passphrase(project: Project) -> None:
    project.configure(service="embedded")
    made = passphrase.create(SANDBOX_PASSPHRASE).salt_text
    for salt in (made, context_module.SHIPPED_SALT):
        path = project.root / "Pulumi.test.yaml"
        text = path.read_text(encoding="utf-8").partition("encryptionsalt")[0]
        path.write_text(f"{text}encryptionsalt: {salt}\n", encoding="utf-8")
        assert list(project.context().file_faults()) == []


def test_the_salt_that_is_not_tried_is_the_sandbox_s_and_fits() -> None:
    passphrase.open_with(SANDBOX_PASSPHRASE, context_module.SHIPPED_SALT)
    shipped = find(PROGRAM.parent, "local")
    assert shipped.settings.salt == context_module.SHIPPED_SALT


ENGINES = (["preview"], ["up", "--yes"], ["refresh"], ["drift"], ["destroy", "--yes"], ["adopt"])
SHELLS = {
    "endpoint": ({"AWS_ENDPOINT_URL_VOICE_ID": "http://127.0.0.1:8099"}, "https://voiceid.example.org"),
    "region": ({"AWS_REGION": "eu-west-2"}, "eu-west-2"),
    "exports": ({"OPTOUT_ENV_FOR": "voiceid-optout/local"}, "`optout env` printed for voiceid-optout/local"),
    "public passphrase": ({"PULUMI_CONFIG_PASSPHRASE": "local"}, "the sandbox's passphrase, which everybody knows"),
    "no passphrase": ({"PULUMI_CONFIG_PASSPHRASE": ""}, "PULUMI_CONFIG_PASSPHRASE is empty"),
}


@pytest.mark.parametrize("kind", SHELLS)
@pytest.mark.parametrize("command", [*ENGINES, ["env"]], ids=lambda words: words[0])
def test_every_command_that_goes_somewhere_refuses_a_shell_that_leads_elsewhere(
    project: Project, command: list[str], kind: str
) -> None:
    project.configure(endpoint="https://voiceid.example.org", region="us-east-1", domain=DOMAIN)
    project.people("caller-1", domain=DOMAIN)
    before = everything(project)
    variables, words = SHELLS[kind]
    result = project.run(*command, "--stack", "test", **variables)
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert everything(project) == before


def test_an_endpoint_of_the_shell_is_not_called_in_clear(project: Project) -> None:
    project.configure(region="us-east-1", domain=DOMAIN)
    project.people("caller-1", domain=DOMAIN)
    result = project.run("up", "--yes", "--stack", "test", AWS_ENDPOINT_URL_VOICE_ID="http://a.example.net:8099")
    assert result.exit_code == ExitCode.USAGE
    assert "http://a.example.net:8099 (AWS_ENDPOINT_URL_VOICE_ID) is on another machine" in result.stderr
    assert "encryptionsalt" not in (project.root / "Pulumi.test.yaml").read_text(encoding="utf-8")


def everything(project: Project) -> dict[str, bytes]:
    """Return all files of the project."""
    return {
        str(path.relative_to(project.root)): path.read_bytes() for path in project.root.rglob("*") if path.is_file()
    }
