"""What `optout passphrase` refuses without a run; runs are in tests/e2e/cli/test_passphrase.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from voiceid_optout.cli.passphrase import NEW_VARIABLE

if TYPE_CHECKING:
    from click.testing import Result

    from tests.cli.projects import Project

OLD, NEW = "the old passphrase", "the new passphrase"


def rotated(stack: Project, old: str = OLD, new: str = NEW) -> Result:
    return stack.run(
        "passphrase", "rotate", PULUMI_CONFIG_PASSPHRASE=old, PULUMI_STACK="test", **{NEW_VARIABLE: new}
    )


@pytest.mark.parametrize(
    ("new", "said"), [("", "empty"), (" \n", "empty"), (OLD, "is the present one"), ("local", "everybody knows")]
)
def test_it_must_be_another_one(project: Project, new: str, said: str) -> None:
    result = rotated(project, new=new)
    assert result.exit_code == 2
    assert said in result.output


def test_where_there_is_none_to_change_it_says_why(project: Project) -> None:
    assert "nothing is sealed yet" in rotated(project).output
    project.configure(service="embedded")
    assert "sandbox" in rotated(project).output
    project.configure()
    result = project.run("passphrase", "rotate", PULUMI_BACKEND_URL="s3://bucket", PULUMI_STACK="test")
    assert "pulumi stack change-secrets-provider passphrase --stack test" in result.output
