"""What the runbook says about a lost passphrase, as it is written: nobody loses an opt-out or its date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import ROOT, commands
from tests.e2e import copies

if TYPE_CHECKING:
    from tests.e2e.copies import Copy
    from tests.e2e.services import Service

PEOPLE = ["caller-000001", "caller-000002", "caller-000003"]
NEW = {"PULUMI_CONFIG_PASSPHRASE": "a new one"}


def typed_in(section: str) -> list[str]:
    """Return the commands of a section of the runbook."""
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    first = text[: text.index(f"## {section}")].count("\n")
    after = text.find("\n## ", text.index(f"## {section}"))
    last = text[:after].count("\n")
    return [command.text for command in commands("docs/runbook.md") if first < command.line <= last]


@pytest.mark.parametrize("grouping", ["single", "sharded"])
def test_a_lost_passphrase_costs_nobody_an_opt_out_or_its_date(copy: Copy, service: Service, grouping: str) -> None:
    copies.write_stack(copy, service.running.url, guessableLabels=False, grouping=grouping)
    copy.write(PEOPLE)
    copy.up()
    before = {person: service.describe(copy.domain_id, person) for person in PEOPLE}
    assert copy.optout("preview", env={"PULUMI_CONFIG_PASSPHRASE": "not the one"}).code != 0
    move, take_out, export, new_key, *others = typed_in("The passphrase was lost")
    assert export.startswith("export PULUMI_CONFIG_PASSPHRASE=")
    assert [line.split()[1] for line in others] == ["preview", "up", "drift"]
    for line in (move, take_out):
        done = copy.shell.run("sh", "-c", line.replace("Pulumi.production.yaml", copy.stack_file.name))
        assert done.code == 0, done.output
    assert not {"encryptionsalt", "labelKey", "secure"} & set(
        copy.stack_file.read_text(encoding="utf-8").split(":")
    )
    made = copy.optout(*new_key.split()[1:-2], env=NEW)
    assert made.code == 0, made.output
    shown = copy.optout("preview", env=NEW)
    assert shown.code == 0, shown.output
    assert f"{len(PEOPLE)} to opt out, 0 unchanged" in shown.out
    copy.up(env=NEW)
    assert copy.optout("drift", env=NEW).code == 0
    assert {person: service.describe(copy.domain_id, person) for person in PEOPLE} == before
