"""What earlier versions wrote and promised is read and kept; docs/upgrade.md says what this covers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e import copies
from tests.e2e.commands import Shell
from tests.e2e.services import Service, serving
from tests.evidence.receipts import person
from tests.evidence.test_signing import PUBLIC
from tests.release import interface
from tests.release.freeze import DOMAIN, ENDPOINT, GROUPINGS, HERE, register
from tests.tables import each_row
from voiceid_optout.evidence.verification import verify
from voiceid_optout.plan.render_json import parse_saved
from voiceid_optout.register import load

if TYPE_CHECKING:
    from collections.abc import Iterator

FROZEN = sorted(path for path in HERE.iterdir() if path.is_dir() and path.name[0].isdigit())


@pytest.fixture(params=FROZEN, ids=lambda path: path.name)
def frozen(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def test_there_is_something_to_be_compatible_with() -> None:
    assert "0.1.0" in {folder.name for folder in FROZEN}


def test_nothing_that_others_rely_on_is_lost(frozen: Path) -> None:
    promised = json.loads((frozen / "interface.json").read_text(encoding="utf-8"))
    assert set(promised) <= set(interface.today())
    assert interface.lost(promised, interface.today()) == []


@each_row(
    ("change", "lost"),
    [
        (lambda now: now["exit codes"].pop("DRIFT"), "/exit codes/DRIFT"),
        (lambda now: now["exit codes"].update(DRIFT=12), "/exit codes/DRIFT: 5 is 12"),
        (lambda now: now["codes of faults"].remove("duplicate-speaker"), "/codes of faults/duplicate-speaker"),
        (lambda now: now["settings"]["guard"]["names"].remove("maxLosses"), "/settings/guard/names/maxLosses"),
        (lambda now: now["commands"]["up"].remove("--approve"), "/commands/up/--approve"),
        (lambda now: now["plan"].update(version=9), "/plan/version: 2 is 9"),
        (lambda now: now["plan"]["steps"][0].pop("label"), "/plan/steps/0/label"),
        (
            lambda now: now["workflows"]["optout-up.yml"]["inputs"].remove("digest"),
            "/workflows/optout-up.yml/inputs/digest",
        ),
        (lambda now: now.update(provider="elsewhere.Provider"), "/provider: "),
    ],
)
def test_a_loss_is_noticed(change: Any, lost: str) -> None:
    now = json.loads(json.dumps(interface.today()))
    promised = json.loads(json.dumps(now))
    change(now)
    (found,) = interface.lost(promised, now)
    assert found.startswith(lost)


def test_what_is_new_and_texts_for_people_are_no_loss() -> None:
    now = json.loads(json.dumps(interface.today()))
    promised = json.loads(json.dumps(now))
    now["exit codes"]["SOMETHING"] = 99
    now["faults"]["faults"][0]["message"] = "said better"
    assert interface.lost(promised, now) == []


def test_a_saved_plan_is_still_read_and_has_its_digest(frozen: Path) -> None:
    content = (frozen / "plan.json").read_bytes()
    assert parse_saved(content).digest == json.loads(content)["digest"]


def test_a_register_is_still_valid(frozen: Path, tmp_path: Path) -> None:
    for name in interface.VALID:
        shutil.copy(frozen / Path(name).name, tmp_path)
    assert len(load(tmp_path, domains={"main": DOMAIN}, default_domain=DOMAIN).entries) == 5


@pytest.mark.parametrize("name", ["report.json", "receipt.json", "receipt.jsonld"])
def test_reports_and_receipts_are_still_verified(frozen: Path, name: str) -> None:
    with (frozen / name).open("rb") as file:
        found = verify(file)
    assert found.unvouched([PUBLIC]) is None
    assert found.receipt is None or found.receipt.is_of(person(1))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with serving(Shell(folder), folder / "data") as running:
        running.hook("/domains", DomainId=DOMAIN)
        for person in ("caller-000017", "caller-000018", "caller-000021", "caller-000022"):
            running.seed(DOMAIN, person, "OPTED_OUT")
        yield running


@pytest.mark.parametrize("grouping", GROUPINGS)
def test_an_upgrade_changes_nobody(frozen: Path, grouping: str, service: Service, tmp_path: Path) -> None:
    """The state and the stack's file of then, the people as they are in the service: nothing is to be done."""
    copy = copies.with_service(tmp_path / "register", service, DOMAIN)
    text = (frozen / f"stack-{grouping}.yaml").read_text(encoding="utf-8")
    copy.stack_file.write_text(text.replace(ENDPOINT, service.running.url), encoding="utf-8")
    register(copy, frozen)
    copy.state_file.parent.mkdir(parents=True)
    shutil.copy(frozen / f"state-{grouping}.json", copy.state_file)
    answered = service.answered("OptOutSpeaker")
    previewed = copy.optout("preview", "--detailed-exitcode", "--json")
    assert previewed.code == 0, previewed.output
    assert json.loads(previewed.out)["steps"] == []
    assert json.loads(previewed.out)["unchanged"] == 5
    drift = copy.optout("drift")
    assert drift.code == 0, drift.output
    copy.up()
    assert service.answered("OptOutSpeaker") == answered
