"""What a refresh finds, alone and before the program."""

from __future__ import annotations

from tests.conformance.scenario import THREE, Scenario, drift, preview, refresh, up

OFF = {"id-s0-a": "OFF"}
GONE = {"id-s1-a": None}
UNSEEN = {"diff:s0": {"answer": {"changes": False}}}

SCENARIOS = (
    Scenario(
        name="refresh-without-drift",
        about="Everything matches the state.",
        turns=(drift(), refresh(), refresh()),
    ),
    Scenario(
        name="drift-in-outputs",
        about="An output differs and the provider calls it a change.",
        turns=(drift(drift=OFF), preview(), preview(refresh=True), refresh(), preview(), up(), drift()),
    ),
    Scenario(
        name="drift-up-with-refresh",
        about="One run reads the difference and repairs it.",
        turns=(up(drift=OFF, refresh=True), up(refresh=True)),
    ),
    Scenario(
        name="drift-nobody-minds",
        about="An output differs, but the provider does not call it a change: it is written anyway.",
        turns=(drift(drift=OFF, faults=UNSEEN), refresh(faults=UNSEEN), up(faults=UNSEEN)),
    ),
    Scenario(
        name="drift-nobody-minds-up-with-refresh",
        about="The same in one run with the program.",
        turns=(preview(drift=OFF, faults=UNSEEN, refresh=True), up(faults=UNSEEN, refresh=True)),
    ),
    Scenario(
        name="gone-at-read",
        about="The cloud no longer has it: a refresh forgets it, an up creates it again.",
        turns=(drift(drift=GONE), up(), preview(refresh=True), refresh(), up()),
    ),
    Scenario(
        name="gone-up-with-refresh",
        about="One run finds it gone and creates it again.",
        turns=(up(drift=GONE, refresh=True),),
    ),
    Scenario(
        name="gone-and-unwanted",
        about="Gone from the cloud and from the program.",
        turns=(preview(wants={"s0": {}}, drift=GONE, refresh=True), up(refresh=True)),
    ),
    Scenario(
        name="gone-with-dependents",
        about="What others depend on is gone.",
        start=(up(wants={"s0": {}, "s1": {"depends_on": ["s0"]}, "s2": {"val_from": "s1"}}),),
        ordered=True,
        turns=(preview(drift={"id-s0-a": None}, refresh=True), refresh(), up()),
    ),
    Scenario(
        name="gone-parent",
        about="The parent of another is gone.",
        start=(up(wants={"s0": {}, "s1": {"parent": "s0"}}),),
        turns=(preview(drift={"id-s0-a": None}, refresh=True), refresh(), drift(), up()),
    ),
    Scenario(
        name="all-gone",
        about="The cloud has lost everything.",
        turns=(drift(drift={f"id-s{n}-a": None for n in range(3)}), refresh(), up()),
    ),
    Scenario(
        name="new-id-at-read",
        about="The cloud gives another id: it is accepted silently.",
        turns=(
            drift(faults={"read:s0": {"answer": "other"}}),
            refresh(faults={"read:s0": {"answer": "other"}}),
            up(),
        ),
    ),
    Scenario(
        name="new-id-up-with-refresh",
        about="The same in one run with the program.",
        turns=(up(faults={"read:s0": {"answer": "other"}}, refresh=True, drift={"other": "ON"}),),
    ),
    Scenario(
        name="inputs-at-read",
        about="The provider's read returns inputs: they replace those in the state.",
        turns=(
            drift(faults={"read:s0": {"inputs": {"name": "s0", "val": "z"}}}),
            refresh(faults={"read:s0": {"inputs": {"name": "s0", "val": "z"}}}),
            up(),
        ),
    ),
    Scenario(
        name="refresh-with-old-copies",
        about="A refresh reads the old copy of a replaced resource too.",
        turns=(
            up(
                wants={**THREE, "s1": {"val": "b"}},
                faults={
                    "diff:s1": {"answer": {"changes": True, "replaces": ["val"]}},
                    "delete:s1": {"error": "no"},
                },
            ),
            drift(),
            refresh(),
            up(),
        ),
    ),
    Scenario(
        name="refresh-changed-config",
        about="A refresh is done with the config of the last run, the program's phase with today's.",
        turns=(refresh(config="sample:greeting: bye\n"), up(refresh=True), drift()),
    ),
    Scenario(
        name="refresh-of-targets",
        about="Only named resources are read.",
        turns=(drift(targets=("s0",), drift={**OFF, **GONE}), refresh(targets=("s0",)), refresh(targets=("s1",))),
    ),
)
