"""`optout keys`: the pair of keys in a stack file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.cli.projects import DOMAIN, NAME
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.keys import signer
from voiceid_optout.evidence.signing import is_signed

if TYPE_CHECKING:
    from tests.cli.projects import Project

ROOT = bytes(32)


def keys(project: Project, word: str, code: int = 0, **environment: str) -> str:
    result = project.run("keys", word, "--stack", "test", **environment)
    assert result.exit_code == code, result.output
    return result.output


def public_keys(project: Project) -> list[str]:
    content = yaml.safe_load((project.root / "Pulumi.test.yaml").read_text(encoding="utf-8"))
    return str(content["config"][f"{NAME}:reportPublicKeys"]).split()


def test_a_new_key_signs_and_only_its_public_half_is_in_clear(project: Project) -> None:
    project.configure(domain=DOMAIN)
    project.salt()
    assert signer(project.context(), {}) is None
    said = keys(project, "new")
    (public,) = public_keys(project)
    assert public in said
    assert project.context().config.sealed == {"reportKey"}
    sign = signer(project.context(), {})
    assert sign is not None
    assert sign(ROOT).public_key == public
    assert is_signed(sign(ROOT), ROOT)
    private = project.context().unsealed({}).values[f"{NAME}:reportKey"]
    assert private not in said + (project.root / "Pulumi.test.yaml").read_text(encoding="utf-8")


def test_a_rotation_keeps_the_earlier_public_keys_in_order(project: Project) -> None:
    project.configure(domain=DOMAIN)
    project.salt()
    found: list[str] = []
    for word in ("new", "rotate", "rotate"):
        keys(project, word)
        assert public_keys(project)[1:] == found
        found = public_keys(project)
        sign = signer(project.context(), {})
        assert sign is not None
        assert sign(ROOT).public_key == found[0]
    assert len(set(found)) == 3
    assert keys(project, "show").splitlines() == [
        f"{found[0]}  present",
        f"{found[1]}  earlier",
        f"{found[2]}  earlier",
    ]


def test_a_second_new_key_and_a_rotation_of_none_are_refused(project: Project) -> None:
    project.configure(domain=DOMAIN)
    project.salt()
    assert "has no reportKey to replace: type optout keys new --stack test" in keys(project, "rotate", 2)
    assert "has no reportPublicKeys: type optout keys new --stack test" in keys(project, "show", 1)
    keys(project, "new")
    before = (project.root / "Pulumi.test.yaml").read_bytes()
    assert "has a reportKey already: optout keys rotate --stack test" in keys(project, "new", 2)
    assert (project.root / "Pulumi.test.yaml").read_bytes() == before


def test_a_runner_changes_nothing(project: Project) -> None:
    project.configure(domain=DOMAIN, reportKey="1" * 64, reportPublicKeys="a" * 64)
    before = (project.root / "Pulumi.test.yaml").read_bytes()
    assert "keys rotate changes Pulumi.test.yaml, and a runner" in keys(project, "rotate", 2, CI="true")
    project.configure(domain=DOMAIN)
    assert "keys new changes Pulumi.test.yaml, and a runner" in keys(project, "new", 2, CI="true")
    project.configure(domain=DOMAIN, reportKey="1" * 64, reportPublicKeys="a" * 64)
    assert (project.root / "Pulumi.test.yaml").read_bytes() == before


def test_a_sandbox_has_no_secret_to_sign_with(project: Project) -> None:
    project.configure(service="embedded")
    assert "sandbox" in keys(project, "new", 2)


def test_without_its_private_key_every_public_one_is_of_earlier_reports(project: Project) -> None:
    project.configure(domain=DOMAIN, reportPublicKeys="a" * 64)
    assert keys(project, "show") == f"{'a' * 64}  earlier\n"
    assert signer(project.context(), {}) is None


@pytest.mark.parametrize(
    ("private", "problem"),
    [
        ("1" * 64, "does not begin with the public key of reportKey"),
        ("no key", "reportKey: the private report key is not 64 hexadecimal digits"),
    ],
)
def test_nothing_is_signed_that_nobody_could_verify(project: Project, private: str, problem: str) -> None:
    project.configure(domain=DOMAIN, reportKey=private, reportPublicKeys="a" * 64)
    with pytest.raises(CommandError, match=problem) as raised:
        signer(project.context(), {})
    assert raised.value.code is ExitCode.USAGE
    assert private not in str(raised.value)


@pytest.mark.costly
def test_a_new_passphrase_seals_the_key_again(project: Project) -> None:
    project.configure(domain=DOMAIN)
    project.salt()
    keys(project, "new")
    before = signer(project.context(), {})
    assert before is not None
    result = project.run("passphrase", "rotate", "--stack", "test", OPTOUT_NEW_PASSPHRASE="another rehearsal")
    assert result.exit_code == 0, result.output
    after = signer(project.context(PULUMI_CONFIG_PASSPHRASE="another rehearsal"), {})
    assert after is not None
    assert after(ROOT) == before(ROOT)
