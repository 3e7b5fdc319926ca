"""Kills at random moments of engine, program, plugin, service and PostgreSQL: the next run goes on, nobody is lost.

Stacks live one after another through edits of their register, releases, changes of grouping and of label keys. Each
command of theirs may be struck, by one kill or several. A few kills in every run of the tests, a thousand in
``make torture``; there the service stands on PostgreSQL for every third stack, where that is installed.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import torture
from tests.e2e import copies, mortal
from tests.e2e.commands import eventually
from tests.e2e.forked import commands
from tests.e2e.mortal import DATABASE, ENGINE, PLUGIN, PROGRAM, SERVICE
from tests.e2e.services import opted_out
from tests.service.cluster import binaries, cluster
from voiceid_optout.speakers import SHARD_TYPE, SPEAKER_TYPE, shard_values
from voiceid_optout.state import values
from voiceid_optout.state.backend import Backend
from voiceid_optout.state.project import load_project
from voiceid_optout.state.stack import open_stack
from voiceid_optout.urn import type_of

if TYPE_CHECKING:
    from tests.e2e.commands import Finished
    from tests.e2e.copies import Copy
    from tests.e2e.forked import Commands
    from tests.e2e.mortal import Mortal
    from voiceid_optout.state.checkpoint import Checkpoint

PULUMI = shutil.which("pulumi")
KILLS_WITH_POSTGRES = 50  # fewer are not worth the start of a server
KILLS_OF_A_LIFE = 12
OFFICIAL_SHARE = 0.025  # a run of the CLI takes twenty times as long
QUOTAS = (15, 60, 2000)  # a second: slow enough to be struck in the middle, or as fast as it goes
CHANGES = ("update", "update", "refresh", "release", "refused", "leave", "group", "rotate")
STRUCK = {0, 1, 6, 8, 9}  # how a run may end whose program, plugin, service or database was killed
LOSSES_ALLOWED = 0


@dataclass
class Life:
    """A stack, and what is true of its people."""

    copy: Copy
    store: Mortal
    commands: Commands
    dice: random.Random
    lasts: float = 3  # seconds that its shortest run took
    listed: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    approved: set[str] = field(default_factory=set)  # releases that an approved plan had
    protected: set[str] = field(default_factory=set)  # ever seen opted out, and never released by an approved plan
    tampered: set[str] = field(default_factory=set)  # changed behind the register's back since the last whole run
    number: int = 0

    def newcomers(self) -> None:
        """List some more people."""
        for _ in range(self.dice.randint(1, 5)):
            self.number += 1
            self.listed.add(f"caller-{self.number:06}")
        self.write()

    def write(self) -> None:
        self.copy.write(sorted(self.listed), dict.fromkeys(sorted(self.released), "asked in writing"))

    def optout(self, *arguments: str) -> Finished:
        """Run a command that nobody strikes."""
        return self.checked(self.commands.run(self.copy.shell, *arguments))

    def checked(self, finished: Finished) -> Finished:
        assert "caller-" not in finished.output, finished.output
        return finished

    def engine(self) -> list[str]:
        """Choose an engine."""
        official = PULUMI is not None and self.dice.random() < OFFICIAL_SHARE
        return ["--engine", "pulumi" if official else "embedded"]

    def tamper(self) -> None:
        """Enrol somebody behind the register's back, or delete them."""
        known = sorted(self.listed & self.protected)
        for person in self.dice.sample(known, min(len(known), 2)):
            self.store.service.seed(self.copy.domain_id, person, self.dice.choice(["ENROLLED", "EXPIRED"]))
            self.tampered.add(person)

    def change(self) -> tuple[str, list[str]]:
        """Change something; returns what, and the command that is to do it."""
        what = self.dice.choice(CHANGES) if self.listed else "first"
        if len(self.listed) < 3 or (what in ("release", "refused", "leave") and not self.settled()):
            what = "update" if self.listed else "first"
        match what:
            case "first":
                self.newcomers()
            case "update":
                self.newcomers()
                self.tamper()
            case "refresh":
                self.tamper()
                return what, ["refresh"]
            case "release" | "refused" | "leave":
                gone = set(self.dice.sample(sorted(self.listed), self.dice.randint(1, 2)))
                self.listed -= gone
                if what != "leave":
                    self.released |= gone
                self.write()
            case "group":
                self.regroup()
            case _:
                assert self.optout("labels", "rotate").code in (0, 2)  # 2: they change already
        return what, ["up", *self.approval(what)]

    def approval(self, what: str) -> list[str]:
        """Return how the plan is agreed to: losses with its digest, unless it shall be refused."""
        if what == "refused" or not self.takes_away():
            return ["--yes"]
        preview = self.optout("preview", "--engine", "embedded")
        assert preview.code in (0, 6), preview.output
        self.approved |= self.released
        self.protected -= self.released
        self.tampered -= self.released
        return ["--approve", preview.out.partition("Digest: ")[2].split()[0]]

    def settled(self) -> bool:
        """Tell whether what the register takes away is done."""
        return not self.takes_away()

    def takes_away(self) -> bool:
        state = people_of(read(self.copy), as_read=False)  # who has drifted is somebody to lose as well
        asked = {person for person, ensure in state.items() if ensure == "opted_out"}
        return bool(asked - self.listed) or bool(self.released - (state.keys() - asked))

    def regroup(self) -> None:
        """Move everybody to the other grouping."""
        text = self.copy.stack_file.read_text()
        line = "  voiceid-optout:grouping: sharded\n"
        self.copy.stack_file.write_text(text.replace(line, "") if line in text else text + line)

    def strike(self, arguments: list[str]) -> list[str]:
        """Run a command and kill what the dice say; returns who was killed."""
        several = self.dice.random() < 0.3
        alive = [ENGINE, PROGRAM, PLUGIN, SERVICE, *([DATABASE] if self.store.cluster else [])]
        victims = self.dice.sample(alive, self.dice.randint(2, len(alive)) if several else 1)
        moment = self.dice.uniform(0, self.lasts)
        revived_first = self.dice.random() < 0.5
        command = self.commands.start(self.copy.shell, *arguments, *self.engine())
        mortal.wait_until(command, time.monotonic() + moment, victims[0])
        killed = mortal.strike(command, victims, self.store, self.dice)
        if revived_first:
            self.store.revive()
        finished = self.checked(command.ended())
        self.store.revive()
        if ENGINE not in killed or finished.code >= 0:
            assert finished.code in STRUCK, finished
        eventually(lambda: not mortal.living(self.copy.root), "nothing is left running")
        return killed

    def look(self) -> None:
        """Read the state as either engine does, and ask the service for everybody who was ever opted out."""
        found = people_of(read(self.copy))
        if PULUMI and self.copy.state_file.exists():
            backend = {"PULUMI_BACKEND_URL": f"file://{self.copy.root / '.optout' / 'state'}"}
            exported = self.copy.shell.run(PULUMI, "stack", "export", "--non-interactive", env=backend)
            assert exported.code == 0, exported.output
            assert json.loads(exported.out)["version"] == 3
        statuses = self.store.service.statuses(self.copy.domain_id)
        told = {person for person, ensure in found.items() if ensure == "opted_out"} - self.tampered - self.approved
        for name, people in (("ever opted out", self.protected - self.tampered), ("in the state", told)):
            lost = {person: statuses.get(person) for person in people if statuses.get(person) != "OPTED_OUT"}
            assert not lost, (name, lost)
        gone = (self.protected | self.tampered) - statuses.keys()
        assert not gone, f"deleted, and no approved plan says so: {gone}"
        self.protected |= {person for person, status in statuses.items() if status == "OPTED_OUT"} - self.approved

    def converge(self) -> None:
        """Let the next run end the work, and see that nothing is left of it."""
        taken_back = self.released - self.approved
        if taken_back:  # nobody approved: their lines go back
            self.released -= taken_back
            self.listed |= taken_back
            self.write()
        begun, engine = time.monotonic(), self.engine()
        finished = self.optout("up", *self.approval("converge"), *engine)
        assert finished.code == 0, finished.output
        self.lasts = min(self.lasts, time.monotonic() - begun)
        self.tampered -= self.listed
        statuses = self.store.service.statuses(self.copy.domain_id)
        assert {one: statuses.get(one) for one in self.listed} == opted_out(sorted(self.listed))
        assert not self.released & statuses.keys()
        state = read(self.copy)
        asked = dict.fromkeys(self.listed, "opted_out")
        assert people_of(state) == asked | dict.fromkeys(self.released, "released")
        # The Pulumi CLI keeps for ever that it was killed in a create, be it of a resource that nobody asks for.
        assert {one.type for one in state.pending} <= ({"creating"} if "pulumi" in engine else set())
        backend = backend_of(self.copy)
        assert not backend.journal_file.exists()
        assert not any(backend.lock_folder.rglob("*.json"))
        self.protected |= self.listed


def backend_of(copy: Copy) -> Backend:
    return Backend(copy.root / ".optout" / "state", "voiceid-optout", copy.stack)


def read(copy: Copy) -> Checkpoint:
    """Return what the next run of the embedded engine will start from."""
    said: list[str] = []
    project, environment = load_project(copy.root), copy.shell.environment()
    return open_stack(project, backend_of(copy), environment, said.append, writable=False, trust_state=True).base


def people_of(state: Checkpoint, *, as_read: bool = True) -> dict[str, str]:
    """Return whom the state has, and what is asked for them; with ``as_read`` not of those who have drifted."""
    found: dict[str, str] = {}
    for item in state.resources:
        kind, outputs = type_of(item.urn), values.plain_value(item.outputs)
        if kind == SPEAKER_TYPE:
            wanted = {"opted_out": "OPTED_OUT", "released": None}[outputs["ensure"]]
            found[outputs["speaker_id"]] = (
                outputs["ensure"] if not as_read or outputs.get("status") == wanted else "drifted"
            )
        elif kind == SHARD_TYPE:
            ids, drifted = shard_values(outputs["speaker_ids"]), shard_values(outputs["drifted"])
            members = shard_values(outputs["members"])
            found |= {
                ids[one]: "drifted" if as_read and one in drifted else ensure for one, ensure in members.items()
            }
    return found


def new_life(folder: Path, store: Mortal, runner: Commands, dice: random.Random) -> Life:
    copy = copies.with_service(folder, store.service, store.service.new_domain())
    path = f"{Path(PULUMI).parent}:/usr/bin:/bin" if PULUMI else "/usr/bin:/bin"
    home = {"PATH": path, "PULUMI_HOME": str(folder.parent / "home"), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    copy = replace(copy, shell=replace(copy.shell, variables={**copy.shell.variables, **home}))
    (copy.root / ".venv").symlink_to(sys.prefix)
    quotas = dict.fromkeys(("optOut", "describe", "delete", "list"), dice.choice(QUOTAS))
    copies.write_stack(copy, store.service.running.url, quotas=quotas, guard={"maxLosses": LOSSES_ALLOWED})
    life = Life(copy, store, runner, dice)
    if dice.random() < 0.5:
        life.regroup()
    return life


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc, and start as forks")
def test_random_kills(tmp_path: Path) -> None:
    budget = torture.budget("kills")
    dice, done, victims, lives = random.Random(budget.seed), Counter[str](), Counter[str](), 0
    with ExitStack() as ends:
        runner = ends.enter_context(commands(tmp_path / "logs"))
        stores = [ends.enter_context(mortal.mortal(runner, tmp_path / "sqlite" / "data"))]
        found = binaries() if budget.count >= KILLS_WITH_POSTGRES else None
        if found is not None:
            server = ends.enter_context(cluster(found))
            stores.append(ends.enter_context(mortal.mortal(runner, tmp_path / "postgres" / "data", server)))
        while done.total() < budget.count:
            lives += 1
            life = new_life(tmp_path / str(lives), stores[lives % 3 == 0 and len(stores) > 1], runner, dice)
            for _ in range(KILLS_OF_A_LIFE):
                what, arguments = life.change()
                killed = life.strike(arguments)
                victims.update(killed)
                print(f"{what}: {' and '.join(killed) or 'nobody'} killed", flush=True)
                done.update([what] if killed else [])
                life.look()
                if dice.random() < 0.6:
                    life.converge()
                if done.total() >= budget.count:
                    break
            life.converge()
            print(f"{done.total()} of {budget.count} in {lives} lives: {dict(done)} {dict(victims)}", flush=True)
    counts = {f"{victim}_killed": count for victim, count in sorted(victims.items())}
    budget.record(struck_runs=done.total(), stacks=lives, opt_outs_lost=0, **counts)
