"""A stack held against a model: edits, hands on the service and commands in any order, and what holds after each.

The engine, the program, the plugin, the state, the client and the service are the real ones; the processes are
forked from one that has imported everything, and the service is shared, with a domain for each story. Where the
Pulumi CLI is on PATH some stories use it for some of their commands.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import random
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests import torture
from tests.service.running import thread
from tests.torture.stack import CALLS, FILES, PEOPLE, Shown, Stack, World, plan_of
from voiceid_optout.speakers import Ensure
from voiceid_optout.state import config_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

STEPS = 6
AT_MOST = 250  # stories of one search: it runs some more than it is asked for, and remembers all
SILENT_SHARE = 1 / 10  # of the runs: nobody agrees before
FAULT_SHARE = 1 / 10  # of the edits: the register cannot be read after them
OFFICIAL_SHARE = 1 / 250  # of the stories: a command of the Pulumi CLI takes as long as thirty of ours
DONE, USAGE, INVALID, PLANNED, DRIFT, REFUSED, STALE = 0, 2, 3, 4, 5, 6, 7
OUTCOMES = {DONE: "done", USAGE: "unagreed", INVALID: "invalid", PLANNED: "planned", DRIFT: "drifts"}
OUTCOMES |= {REFUSED: "guarded", STALE: "stale"}

someone = st.sampled_from(PEOPLE)
wishes = st.sampled_from((Ensure.OPTED_OUT, Ensure.RELEASED, None))
hands = st.sampled_from(("ENROLLED", "EXPIRED", "PENDING", "OPTED_OUT", "deleted", "deleted"))
chances = st.integers(0, 2**32).map(random.Random)


@dataclass
class Model:
    """What must be: who is asked to be what, what the service has, and what the stack knows of."""

    asked: dict[str, Ensure] = field(default_factory=dict)
    service: dict[str, str] = field(default_factory=dict)
    managed: dict[str, Ensure] = field(default_factory=dict)
    grouping: str = "single"
    pending: frozenset[str] = frozenset()  # why everybody is yet to move to another label or resource

    def holds(self, person: str) -> bool:
        """Whether the service has what the register asks."""
        wanted = "OPTED_OUT" if self.asked[person] is Ensure.OPTED_OUT else None
        return self.service.get(person) == wanted

    def up(self) -> None:
        """Do what the register asks. Whoever is listed no longer stays as they are."""
        for person, ensure in self.asked.items():
            self.service.pop(person, None)
            if ensure is Ensure.OPTED_OUT:
                self.service[person] = "OPTED_OUT"
        self.managed, self.pending = dict(self.asked), frozenset()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do."""
        moves = self.pending and self.managed
        return self.asked == self.managed and all(map(self.holds, self.asked)) and not moves

    @property
    def has_drifted(self) -> bool:
        """Whether somebody is not as asked, but for releases that wait."""
        return any(
            ensure is Ensure.OPTED_OUT or self.managed.get(person) is ensure
            for person, ensure in self.asked.items()
            if not self.holds(person) or (ensure is Ensure.OPTED_OUT and self.managed.get(person) is not ensure)
        )


@dataclass(frozen=True)
class Approved:
    """A plan that somebody has approved, and the ``time`` it was of: how much had happened before."""

    plan: Shown
    file: str
    time: int


class Story(RuleBasedStateMachine):
    """One stack from its first register on."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.stack = Stack.make(self.world)
        self.model = Model()
        self.is_valid = True
        self.time = 0  # grows with everything that may change a plan
        self.approved: list[Approved] = []
        self.chance = random.Random(0)
        self.uses_both = False
        self.seen = -1

    @initialize(
        listed=st.sets(someone, min_size=2),
        chance=chances,
        grouping=st.sampled_from(("single", "sharded")),
        first=st.sampled_from(("up", "preview", "edit")),
    )
    def begin(self, listed: set[str], chance: random.Random, grouping: str, first: str) -> None:
        self.chance = chance
        self.uses_both = self.world.official and chance.random() < OFFICIAL_SHARE
        self.stack.configure(grouping)
        self.model.grouping = grouping
        self._write(dict.fromkeys(listed, Ensure.OPTED_OUT))
        if first == "up":
            self.up()
        elif first == "preview":
            self.preview()

    def teardown(self) -> None:
        """Apply what is left, of half the stories."""
        try:
            if self.is_valid and not self.model.is_settled and self.chance.random() < 1 / 2:
                self.up()
                self.the_service_is_as_the_model_says()
        finally:
            self.stack.end()

    # The register.

    def _write(self, changes: dict[str, Ensure | None]) -> None:
        asked = {**self.model.asked, **changes}
        self.model.asked = {person: ensure for person, ensure in asked.items() if ensure is not None}
        self.stack.write(self.model.asked, self.chance)
        self.is_valid = True
        self.time += 1

    @rule(person=someone, file=st.sampled_from(FILES))
    def add(self, person: str, file: str) -> None:
        result = self._run("add", "-", "--file", file, given=f"{person}\n")
        is_new = self.model.asked.get(person) is not Ensure.OPTED_OUT
        self._expect(result, (DONE if is_new else USAGE) if self.is_valid else INVALID)
        if result.exit_code == DONE:
            self.model.asked[person] = Ensure.OPTED_OUT
            self.time += 1

    @rule(person=someone)
    def release(self, person: str) -> None:
        result = self._run("release", "-", "--reason", "consented again", given=f"{person}\n")
        is_listed = self.model.asked.get(person) is Ensure.OPTED_OUT
        self._expect(result, (DONE if is_listed else USAGE) if self.is_valid else INVALID)
        if result.exit_code == DONE:
            self.model.asked[person] = Ensure.RELEASED
            self.time += 1

    @rule(changes=st.dictionaries(someone, wishes, min_size=1, max_size=3))
    def edit_by_hand(self, changes: dict[str, Ensure | None]) -> None:
        """Change some lines; everybody may come to another file and place. Sometimes a line is there twice."""
        self._write(changes)
        if self.model.asked and self.chance.random() < FAULT_SHARE:
            self.stack.write(self.model.asked, self.chance, twice=self.chance.choice(sorted(self.model.asked)))
            self.is_valid = False

    # Hands on the service.

    @rule(done=st.lists(st.tuples(someone, hands), min_size=1, max_size=3))
    def others_write(self, done: list[tuple[str, str]]) -> None:
        """Change people without us. Whoever has the right to may enrol somebody who was opted out."""
        there, domain = self.model.service, self.stack.domain
        for person, status in done:
            if status == "OPTED_OUT":
                self.world.client.opt_out_speaker(DomainId=domain, SpeakerId=person)
            elif status != "deleted":
                self.world.service.seed(domain, person, status, recreate=self.chance.random() < 1 / 2)
            elif person in there:
                self.world.client.delete_speaker(DomainId=domain, SpeakerId=person)
            there[person] = status
            if status == "deleted":
                del there[person]
        self.stack.asked_of_the_service()
        self.time += 1

    # Commands.

    def _run(self, *words: str, given: str = "") -> Result:
        if self.uses_both:
            self.stack.engine = self.chance.choice(("embedded", "pulumi"))
        return self.stack.run(*words, given=given)

    def _expect(self, result: Result, code: int) -> None:
        assert result.exit_code == code, result.output
        self.world.count(OUTCOMES[code])
        if code != DONE:
            assert self.stack.asked_of_the_service() == []

    def preview(self) -> None:
        """Make a plan, which is approved from then on."""
        file = f"plan-{len(self.approved)}.json"
        path = self.stack.project.root / file
        result = self._run("preview", "--json", "--detailed-exitcode", "--save-plan", str(path))
        if not self.is_valid:
            self._expect(result, INVALID)
            return
        plan = Shown.of(json.loads(result.stdout), self.stack.labels)
        assert (plan.steps == {}) == self.model.is_settled
        self._expect(result, DONE if not plan.steps else REFUSED if plan.is_guarded else PLANNED)
        assert self.stack.asked_of_the_service() == []
        self.approved.append(Approved(plan, str(path), self.time))

    @rule()
    def up(self) -> None:
        """Agree to whatever the plan is."""
        if self.chance.random() < SILENT_SHARE:
            self._expect(self._run("up"), USAGE)
        result = self._run("up", "--json", "--yes")
        plan = plan_of(self.stack, result.stdout)
        if not self.is_valid:
            self._expect(result, INVALID)
        elif plan is not None and plan.is_guarded:
            self._expect(result, REFUSED)
        else:
            assert plan is not None, result.output
            self._done(result, plan)

    @precondition(lambda self: self.approved)
    @rule(data=st.data(), by_digest=st.booleans(), newest=st.booleans())
    def up_as_approved(self, data: Any, *, by_digest: bool, newest: bool) -> None:
        """Hand in an approval, of now or of long ago."""
        self._approve(
            self.approved[-1] if newest else data.draw(st.sampled_from(self.approved)), by_digest=by_digest
        )

    def _approve(self, one: Approved, *, by_digest: bool) -> None:
        how = ("--approve", one.plan.digest[:32]) if by_digest else ("--plan", one.file)
        result = self._run("up", "--json", *how)
        if not self.is_valid:
            self._expect(result, INVALID)
        elif result.exit_code == STALE:
            assert one.time != self.time
            self._expect(result, STALE)
        elif one.plan.is_guarded and not by_digest:
            self._expect(result, REFUSED)
        else:
            done = plan_of(self.stack, result.stdout)
            assert done is not None, result.output
            assert done.digest == one.plan.digest
            self._done(result, one.plan)

    def _done(self, result: Result, plan: Shown) -> None:
        """Hold what was done against the plan that was approved, and against the model."""
        before = dict(self.model.service)
        self._expect(result, DONE)
        for action in plan.steps.values():
            self.world.count(action.replace("-", "_"))
        asked, self.time = self.model.asked, self.time + 1
        self.model.up()
        for person in PEOPLE:
            if before.get(person) != self.model.service.get(person):
                assert plan.steps[person] in ("opt-out", "repair", "release")
        for operation, person in self.stack.asked_of_the_service():
            assert asked[person] is CALLS[operation], "nobody is released who is not under `released`"
            assert person in plan.steps

    @rule(how=st.sampled_from(("preview", "preview", "drift", "refresh")))
    def look(self, how: str) -> None:
        """Ask the service, and change nothing in it."""
        if how == "preview":
            self.preview()
            return
        result = self._run(how)
        drifts = how == "drift" and self.model.has_drifted
        self._expect(result, INVALID if not self.is_valid else DRIFT if drifts else DONE)
        assert self.stack.asked_of_the_service() == []
        self.time += how == "refresh"

    @rule(what=st.sampled_from(("labels", "grouping")))
    def move_everybody(self, what: str) -> None:
        """Change the label key, or how people are grouped: done twice, nobody has to move."""
        if what == "labels":
            self._expect(self._run("labels", "rotate"), USAGE if "labels" in self.model.pending else DONE)
            self.model.pending |= {"labels"}
            self.stack.learn_labels()
        else:
            self.model.grouping = "single" if self.model.grouping == "sharded" else "sharded"
            self._expect(self._run("config", "set", "grouping", self.model.grouping), DONE)
            self.model.pending ^= {"grouping"}
        self.time += 1

    @invariant()
    def the_service_is_as_the_model_says(self) -> None:
        """Ask it, unless nobody can have changed it since the last time."""
        self.world.count("steps")
        if self.seen != self.world.writes:
            assert self.stack.people() == self.model.service
            self.seen = self.world.writes


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, forked_engine: None) -> Iterator[World]:
    """A service for all stories, and no settings but those of the tests."""
    del forked_engine
    for name in [name for name in os.environ if name.startswith(("AWS_", "GITHUB_", "OPTOUT_", "PULUMI_"))]:
        if not name.startswith(("OPTOUT_TORTURE", "OPTOUT_SEED")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("CI", raising=False)
    known = functools.lru_cache(config_values.load_yaml)  # a command reads the same files five times
    monkeypatch.setattr("voiceid_optout.state.project.load_yaml", lambda text: copy.deepcopy(known(text)))
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # there a run waits for no disk
    with tempfile.TemporaryDirectory(dir=memory) as folder, thread(Path(folder) / "service") as service:
        access_key, secret = service.keys()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        made = World(service, Path(folder), torture.budget("model"), official=shutil.which("pulumi") is not None)
        made.watch(monkeypatch)
        yield made


def test_nothing_is_done_that_nobody_approved_and_nobody_is_left_out(world: World) -> None:
    begun = world.budget.seed
    while (left := world.budget.count - world.counts.get("runs", 0)) > 0:
        run_state_machine_as_test(
            seed(begun)(type("Story", (Story,), {"world": world})),
            settings=settings(
                max_examples=min(left, AT_MOST),
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                print_blob=True,
                phases=(Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
            ),
        )
        begun += 1
    world.budget.record(**world.counts, unapproved=0, enrollable=0, identifiers=0)
