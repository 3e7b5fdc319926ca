"""Freeze what the present version promises: ``python -m tests.release.freeze``, once at each release.

A stack of each grouping is kept with its state and its file, made by this version with a service of its own. All
that is secret there is sealed with the passphrase of the tests.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from tests.e2e import copies
from tests.e2e.commands import Shell
from tests.e2e.services import serving
from tests.evidence import receipts
from tests.release import interface
from tools.release.changelog import version
from voiceid_optout.evidence import json_ld, receipt

HERE = Path(__file__).parent
DOMAIN = "FrozenFrozenFrozen0001"
ENDPOINT = "http://127.0.0.1:1"  # in its place comes the service of a test
GROUPINGS = ("single", "sharded")


def freeze(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "interface.json").write_text(json.dumps(interface.today(), indent=1) + "\n", encoding="utf-8")
    (folder / "plan.json").write_text(interface.plan(), encoding="utf-8")
    for name, text in interface.VALID.items():
        (folder / Path(name).name).write_text(text, encoding="utf-8")
    proofs(folder)
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        with serving(Shell(work), work / "data") as service:
            service.hook("/domains", DomainId=DOMAIN)
            for grouping in GROUPINGS:
                copy = copies.with_service(work / grouping, service, DOMAIN)
                copies.write_stack(copy, service.running.url, grouping=grouping, guessableLabels=False)
                register(copy, folder)
                copy.up()
                shutil.copy(copy.state_file, folder / f"state-{grouping}.json")
                stack = copy.stack_file.read_text(encoding="utf-8").replace(service.running.url, ENDPOINT)
                (folder / f"stack-{grouping}.yaml").write_text(stack, encoding="utf-8")


def proofs(folder: Path) -> None:
    """Write a signed report of three people, and the receipt of the second."""
    (folder / "report.json").write_bytes(receipts.report())
    (folder / "receipt.json").write_bytes(receipt.render(receipts.receipt()))
    (folder / "receipt.jsonld").write_bytes(json_ld.render(receipts.receipt()))


def register(copy: copies.Copy, folder: Path) -> None:
    """Make the frozen files the register of a copy."""
    copy.write_raw("")
    for path in (copy.root / "config").glob("*.yaml"):
        path.unlink()
    for name in interface.VALID:
        text = (folder / Path(name).name).read_text(encoding="utf-8").replace("domain: main", "domain: sandbox")
        (copy.root / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    freeze(HERE / version())
