"""Secrets are sealed with the stack's own salt, also where only the state still has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.projects import NAME, PASSPHRASE, SALT
from voiceid_optout.cli.context import label_keys
from voiceid_optout.cli.stack_values import crypter_of, full_key, store
from voiceid_optout.state import PassphraseError

if TYPE_CHECKING:
    from tests.cli.projects import Project


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
