"""`optout config`: values and secrets of a stack file."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.cli.engines import EITHER
from tests.cli.projects import NAME, SALT
from voiceid_optout.cli.config import crypter_of, full_key, store
from voiceid_optout.cli.context import label_keys
from voiceid_optout.state import PassphraseError, passphrase

if TYPE_CHECKING:
    from tests.cli.projects import Project


PASSPHRASE = "a passphrase of the tests"


def config(project: Project, *words: str, answer: str = "", code: int = 0, **environment: str) -> str:
    result = project.run("config", words[0], "--stack", "test", *words[1:], answer=answer, **environment)
    assert result.exit_code == code, result.output
    return result.output


def stored(project: Project) -> dict[str, object]:
    return dict(yaml.safe_load((project.root / "Pulumi.test.yaml").read_text(encoding="utf-8")))


def test_a_value_gets_the_project_s_namespace(project: Project) -> None:
    assert config(project, "set", "region", "eu-west-2") == f"Set {NAME}:region in Pulumi.test.yaml.\n"
    assert config(project, "set", "aws:region", "eu-west-1")
    assert config(project, "get", "region") == "eu-west-2\n"
    assert config(project, "get", "aws:region") == "eu-west-1\n"


def test_a_secret_comes_from_standard_input_is_sealed_and_never_printed(project: Project) -> None:
    project.environment["PULUMI_CONFIG_PASSPHRASE"] = PASSPHRASE
    said = config(project, "set", "--secret", "labelKey", answer="hush hush\n")
    document = stored(project)
    sealed = document["config"][f"{NAME}:labelKey"]["secure"]  # type: ignore[index]
    crypter = passphrase.open_with(PASSPHRASE, str(document["encryptionsalt"]))
    assert crypter.decrypt(sealed) == "hush hush"
    assert "[secret]" in config(project, "list")
    assert "hush" not in said + config(project, "list") + config(project, "get", "labelKey", code=2)
    assert config(project, "get", "labelKey", "--show-secrets") == "hush hush\n"
    assert "hush hush" in config(project, "list", "--show-secrets")


def test_a_random_secret_is_long_and_another_one_each_time(project: Project) -> None:
    made = []
    for _ in range(2):
        config(project, "set", "--secret", "labelKey", "--random")
        made.append(config(project, "get", "labelKey", "--show-secrets").strip())
    assert made[0] != made[1]
    assert all(len(bytes.fromhex(key)) == 32 for key in made)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["set", "--secret", "labelKey", "in the open"], "standard input"),
        (["set", "labelKey", "--random"], "--secret"),
        (["set", "region"], "value is missing"),
        (["set", "--secret", "labelKey"], "standard input"),
    ],
)
def test_wrong_usage_is_said_and_changes_nothing(project: Project, words: list[str], said: str) -> None:
    before = (project.root / "Pulumi.test.yaml").read_bytes()
    output = config(project, *words, code=2)
    assert said in output
    assert "in the open" not in output
    assert (project.root / "Pulumi.test.yaml").read_bytes() == before


def test_a_secret_of_a_sandbox_would_be_none(project: Project) -> None:
    project.configure(service="embedded")
    assert "sandbox" in config(project, "set", "--secret", "labelKey", "--random", code=2)


def test_the_passphrase_must_be_the_stack_s(project: Project) -> None:
    config(project, "set", "--secret", "labelKey", "--random")
    before = (project.root / "Pulumi.test.yaml").read_bytes()
    said = config(project, "set", "--secret", "labelKey", "--random", code=1, PULUMI_CONFIG_PASSPHRASE="another")
    assert said.startswith("error: incorrect passphrase")
    assert (project.root / "Pulumi.test.yaml").read_bytes() == before


def test_a_key_that_is_not_set_is_said(project: Project) -> None:
    assert config(project, "get", "guard", code=1) == f"error: Pulumi.test.yaml has no {NAME}:guard\n"


@pytest.mark.parametrize("engine", EITHER[1:])
def test_the_pulumi_cli_reads_what_is_written_here_and_the_other_way_round(project: Project, engine: str) -> None:
    variables = {
        **project.environment,
        "PATH": f"{shutil.which(engine) or ''}".rpartition("/")[0] + ":/usr/bin:/bin",
        "HOME": str(project.root),
        "PULUMI_BACKEND_URL": project.state_folder.as_uri(),
    }
    project.state_folder.mkdir(parents=True)

    def pulumi(*words: str, given: str = "") -> str:
        command = ["pulumi", *words, "--non-interactive", "--color", "never"]
        return subprocess.run(
            command, cwd=project.root, env=variables, input=given, capture_output=True, text=True, check=True
        ).stdout

    config(project, "set", "--secret", "labelKey", answer="from optout")
    config(project, "set", "quotas", '{"optOut": 5}')
    pulumi("stack", "init", "test", "--secrets-provider", "passphrase")
    assert pulumi("config", "get", "labelKey", "--stack", "test").strip() == "from optout"
    assert pulumi("config", "get", "quotas", "--stack", "test").strip() == '{"optOut": 5}'
    pulumi("config", "set", "--secret", "aws:token", "--stack", "test", given="from the CLI")
    pulumi("config", "set", "region", "1e3", "--stack", "test")
    assert config(project, "get", "aws:token", "--show-secrets") == "from the CLI\n"
    assert config(project, "get", "labelKey", "--show-secrets") == "from optout\n"
    assert config(project, "get", "region") == "1e3\n"


@pytest.mark.parametrize(("key", "full"), [("region", f"{NAME}:region"), ("aws:region", "aws:region")])
def test_a_key_without_a_namespace_is_the_project_s(project: Project, key: str, full: str) -> None:
    assert full_key(project.context(), key) == full


def test_a_file_that_lost_its_salt_gets_that_of_the_state(project: Project) -> None:
    project.state_file.parent.mkdir(parents=True)
    (project.state_folder / ".pulumi" / "meta.yaml").write_text("version: 1\n")
    latest = {"secrets_providers": {"type": "passphrase", "state": {"salt": SALT}}}
    project.state_file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    assert crypter_of(project.context()).salt_text == SALT
    assert project.context().settings.salt == SALT


def test_what_is_stored_is_what_is_read(project: Project) -> None:
    project.salt()
    key = f"{NAME}:labelKey"
    store(project.context(), {key: "hush", f"{NAME}:region": "eu-west-2"}, secret=frozenset({key}))
    assert label_keys(project.context(), {}).current == "hush"
    assert project.context().config.region == "eu-west-2"
    assert "hush" not in project.context().settings.path.read_text(encoding="utf-8")
    store(project.context(), {key: None})
    assert label_keys(project.context(), {}).current is None


def test_another_passphrase_seals_nothing(project: Project) -> None:
    project.salt()
    with pytest.raises(PassphraseError):
        crypter_of(project.context(PULUMI_CONFIG_PASSPHRASE=f"not {PASSPHRASE}"))
