"""The stack file's ``aws:`` config on its way through commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cli.projects import PASSPHRASE, SALT, Project
from tests.voiceid.aws_server import Aws, served
from voiceid_optout.cli import aws
from voiceid_optout.cli.checkup import examine
from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.state import passphrase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.service.running import Service

ARN = "arn:aws:iam::111122223333:role/optouts"


@pytest.fixture
def sts() -> Iterator[Aws]:
    with served() as running:
        yield running


def configure(project: Project, *removed: str, **config: Any) -> None:
    """Add to the stack's file, by full keys with two underscores for the colon."""
    path = project.root / "Pulumi.test.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["config"].update({key.replace("__", ":"): value for key, value in config.items()})
    for key in removed:
        document["config"].pop(key)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


def passed_on(project: Project, **shell: str) -> dict[str, str]:
    return aws.environment(project.context(**shell))


def test_todays_file_is_passed_on_as_text(project: Project) -> None:
    configure(project, aws__profile="main", aws__assumeRoles=[{"roleArn": ARN}], aws__skipRegionValidation=True)
    assert json.loads(passed_on(project)["OPTOUT_AWS_CONFIG"]) == {
        "profile": "main",
        "assumeRoles": f'[{{"roleArn":"{ARN}"}}]',
    }
    assert passed_on(project)["AWS_REGION"] == "us-east-1"


def test_a_file_without_any_is_passed_on_too(project: Project) -> None:
    """What the state remembers of an earlier one is not to be used."""
    assert passed_on(project)["OPTOUT_AWS_CONFIG"] == "{}"


def test_region_and_endpoint_of_the_provider_stand_in_for_the_projects(project: Project) -> None:
    endpoints = [{"voiceid": "http://127.0.0.1:7"}]
    configure(project, "voiceid-optout:region", aws__region="eu-west-2", aws__endpoints=endpoints)
    found = passed_on(project)
    assert (found["AWS_REGION"], found["AWS_ENDPOINT_URL_VOICE_ID"]) == ("eu-west-2", "http://127.0.0.1:7")
    shell = {"AWS_DEFAULT_REGION": "us-west-2", "AWS_ENDPOINT_URL_VOICE_ID": "http://127.0.0.1:8"}
    assert passed_on(project, **shell).keys() == {"OPTOUT_AWS_CONFIG", "OPTOUT_STACK_CONFIG"}


def test_what_the_shell_says_stays(project: Project) -> None:
    configure(project, aws__profile="main")
    assert "OPTOUT_AWS_CONFIG" not in passed_on(project, OPTOUT_AWS_CONFIG='{"profile": "mine"}')


def test_a_secret_is_opened_with_the_passphrase(project: Project) -> None:
    sealed = passphrase.open_with(PASSPHRASE, SALT).encrypt("a secret key")
    configure(project, aws__accessKey="AKID", aws__secretKey={"secure": sealed})
    with pytest.raises(CommandError, match="no encryptionsalt"):
        passed_on(project)
    project.salt()
    assert json.loads(passed_on(project)["OPTOUT_AWS_CONFIG"]) == {"accessKey": "AKID", "secretKey": "a secret key"}


def test_a_fault_is_one_line_before_anything_is_started(project: Project) -> None:
    configure(project, aws__assumeRoles=[{"roleArn": "planted"}])
    result = project.run("up", "--yes", PULUMI_STACK="test")
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr == "error: aws:assumeRoles[0].roleArn is not the ARN of a role\n"


def test_a_run_calls_as_the_role_and_a_changed_file_counts_at_once(
    live: Project, service: Service, sts: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run reads with the first one's config, which the state has; its profile is gone by then."""
    access_key, secret = service.keys()
    files = tmp_path / "credentials"
    files.write_text(f"[first]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(files))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    configure(live, aws__profile="first")
    assert live.run("up", "--yes").exit_code == ExitCode.DONE
    files.write_text(files.read_text().replace("first", "second"))
    configure(live, aws__profile="second")
    for command in (["up", "--yes"], ["refresh"]):
        result = live.run(*command)
        assert result.exit_code == ExitCode.DONE, result.output
    configure(live, aws__assumeRoles=[{"roleArn": ARN}], aws__endpoints=[{"sts": sts.url}])
    sts.refusal = "AccessDenied"
    result = live.run("drift")
    assert result.exit_code == ExitCode.FAILED
    assert f"STS denies the role {ARN} of aws:assumeRoles" in result.stderr
    assert "Traceback" not in result.output
    assert "planted" not in result.output


def test_a_secret_key_of_the_stack_calls_and_is_nowhere_in_clear(
    live: Project, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    access_key, secret = service.keys()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    sealed = passphrase.open_with(PASSPHRASE, SALT).encrypt(secret)
    configure(live, aws__accessKey=access_key, aws__secretKey={"secure": sealed})
    live.salt()
    for command in (["up", "--yes", "--event-log", str(live.root / "events.json")], ["doctor"]):
        result = live.run(*command)
        assert result.exit_code == ExitCode.DONE, result.output
        assert secret not in result.output
    written = [path for path in live.root.rglob("*") if path.is_file()]
    assert any(path.name == "test.json" for path in written)
    assert [path for path in written if secret.encode() in path.read_bytes()] == []


def test_the_sandbox_asks_its_own_service_whatever_the_file_says(project: Project) -> None:
    project.configure(service="embedded", domain="sandbox", domains={"sandbox": "UcUuCPFOsAjzg9xoByUatN"})
    configure(project, aws__profile="nobody", aws__assumeRoles=[{"roleArn": ARN}])
    result = project.run("up", "--yes", PULUMI_STACK="test")
    assert result.exit_code == ExitCode.DONE, result.output


def test_doctor_names_where_things_come_from_and_no_secret(
    live: Project, service: Service, sts: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tmp_path / "credentials"
    files.write_text("[main]\naws_access_key_id = AKIDPLANTED\naws_secret_access_key = planted\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(files))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    role = {"roleArn": ARN, "externalId": "planted"}
    configure(live, aws__profile="main", aws__assumeRoles=[role], aws__endpoints=[{"sts": sts.url}])
    sts.refusal = "AccessDenied"
    found = {finding.subject: finding for finding in examine(live.context(PATH=""))}
    assert found["settings"].text == (
        "region us-east-1 from voiceid-optout:region, endpoint from voiceid-optout:endpoint"
    )
    assert found["credentials"].text == (
        f"profile 'main' (aws:profile), the shared credentials file, then role {ARN} (aws:assumeRoles)"
    )
    assert found["endpoint"].verdict == "fail"
    assert found["endpoint"].text.startswith("STS denies the role")
    assert not any("planted" in finding.text.lower() for finding in found.values())


def test_doctor_says_that_there_are_no_credentials(live: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    found = {finding.subject: finding for finding in examine(live.context(PATH=""))}
    assert found["credentials"].verdict == "fail"
    assert "no usable AWS credentials" in found["credentials"].text
