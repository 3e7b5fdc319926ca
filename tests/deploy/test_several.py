"""Several processes on one database: the very commands of the examples, without containers or systemd."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import uuid
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.deploy import test_container, test_systemd
from tests.deploy.test_systemd import TEMPLATE
from tests.e2e.commands import eventually
from voiceid_optout.cli.serve import command
from voiceid_optout.service.data_folder import find

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "postgres"
PROGRAM = "/opt/voiceid-optout/bin/optout"


def composed() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((EXAMPLE / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def in_container() -> list[str]:
    """The command of a process in a container, as the image and the compose file make it."""
    (entry,) = test_container.values("ENTRYPOINT")
    return [*json.loads(entry), *composed()["services"]["voiceid"]["command"]]


def under_systemd(instance: str = "8101") -> list[str]:
    """The command of an instance of the unit."""
    text = TEMPLATE.read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    return [word for word in shlex.split(line.replace("%i", instance)) if word != "$OPTOUT_SERVE_OPTIONS"]


def here(words: list[str], folder: Path, secret: Path) -> list[str]:
    """Put this machine in the place of the other: its program, free ports of loopback, its files."""
    places = {
        PROGRAM: f"{sys.executable}\0-m\0voiceid_optout",
        "\0/data": f"\0{folder}",
        "${STATE_DIRECTORY}": str(folder),
        "/run/secrets/database": str(secret),
        "${CREDENTIALS_DIRECTORY}/database": str(secret),
        "0.0.0.0": "127.0.0.1",
    }
    text = "\0".join(words)
    for old, new in sorted(places.items(), key=lambda place: -len(place[0])):  # a path before the folder it is in
        text = text.replace(old, new)
    return re.sub(r"(-port[=\0])\d+", r"\g<1>0", text).split("\0")


@contextmanager
def process(words: list[str], folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run one; gives its URL."""
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        try:
            child.stdout.readline()
            running = find(folder)
            assert running is not None
            yield running.url, child
        finally:
            child.terminate()
            child.communicate(timeout=600)


def client(url: str, key: dict[str, str]) -> Any:
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client("voice-id", endpoint_url=url, region_name="us-east-1", config=once, **key)


def is_known(asked: Any) -> bool:
    """Tell whether the client's key is one that the process takes."""
    try:
        asked.list_domains()
    except ClientError as error:
        if error.response["Error"]["Code"] != "UnrecognizedClientException":
            raise
        return False
    return True


def added_key(secret: Path) -> dict[str, str]:
    """Add a key as the README of the example says."""
    text = (EXAMPLE / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    (words,) = re.findall(r"docker compose exec voiceid (.*)", text)
    line = shlex.split(words)
    told = subprocess.run(here(line, secret.parent, secret), capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"^(aws_\w+) *= *(\S+)$", told, re.MULTILINE))
    assert set(found) == {"aws_access_key_id", "aws_secret_access_key"}
    return found


@pytest.mark.parametrize("words", [in_container(), under_systemd()], ids=["compose", "systemd"])
def test_what_one_acknowledges_the_other_knows(words: list[str], tmp_path: Path, database_url: str) -> None:
    secret = tmp_path / "database"
    secret.write_text(f"{database_url}\n", encoding="utf-8")
    secret.chmod(0o600)
    with ExitStack() as cleanup:
        # At once, on an empty database: one of them makes the tables.
        folders = [tmp_path / "one", tmp_path / "two"]
        started = [cleanup.enter_context(process(here(words, folder, secret), folder)) for folder in folders]
        key = added_key(secret)
        one, two = (client(url, key) for url, _ in started)
        # A process looks for new keys now and then.
        for asked in (one, two):
            eventually(partial(is_known, asked), "the key is known")
        domain = one.create_domain(
            Name="support",
            ServerSideEncryptionConfiguration={"KmsKeyId": str(uuid.uuid4())},
            ClientToken=str(uuid.uuid4()),
        )["Domain"]["DomainId"]
        # In turns, as the proxy does it.
        for number in range(6):
            (one, two)[number % 2].opt_out_speaker(DomainId=domain, SpeakerId=f"caller-{number}")
        for asked in (one, two):
            listed = asked.list_speakers(DomainId=domain)["SpeakerSummaries"]
            assert sorted(item["CustomerSpeakerId"] for item in listed) == [f"caller-{n}" for n in range(6)]
        started[0][1].kill()
        two.opt_out_speaker(DomainId=domain, SpeakerId="caller-6")
        with process(here(words, folders[0], secret), folders[0]) as (url, _):
            again = client(url, key)
            found = again.describe_speaker(DomainId=domain, SpeakerId="caller-6")["Speaker"]
            assert found["Status"] == "OPTED_OUT"
            again.close()
        one.close()
        two.close()


def test_each_gives_its_share_of_the_quotas() -> None:
    for words in (in_container(), under_systemd()):
        chosen = command.make_context("serve", words[2:]).params
        assert chosen["quota_share"] == 2
        assert not chosen["first_key"]
        assert not chosen["test_hooks"]
    assert composed()["services"]["voiceid"]["deploy"]["replicas"] == 2
    assert composed()["services"]["voiceid"].get("ports") is None, "only the proxy is reached from outside"


def test_every_secret_is_a_file() -> None:
    made = composed()
    asked = {name for service in made["services"].values() for name in service.get("secrets", ())}
    assert asked == set(made["secrets"])
    assert all(list(secret) == ["file"] for secret in made["secrets"].values())


def test_the_proxy_leaves_alone_what_is_signed() -> None:
    text = (EXAMPLE / "nginx.conf").read_text(encoding="utf-8")
    assert "proxy_set_header Host $http_host;" in text
    assert "server voiceid:8099" in text


def test_the_template_is_closed_in_as_the_unit_is() -> None:
    def hardening(path: Path) -> list[str]:
        return path.read_text(encoding="utf-8").partition("StateDirectoryMode=")[2].splitlines()

    assert hardening(TEMPLATE) == hardening(test_systemd.UNIT)
    assert re.findall(r"^StateDirectory=(.*)$", TEMPLATE.read_text(encoding="utf-8"), re.MULTILINE) == [
        "voiceid-optout/%i"
    ]
