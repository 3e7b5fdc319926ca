"""Calls that fail, programs that fail, and runs before which something was left half done."""

from __future__ import annotations

from typing import Any

from tests.conformance.scenario import (
    THREE,
    Allowed,
    Deployment,
    Scenario,
    destroy,
    drift,
    own_words,
    preview,
    refresh,
    up,
)

FULL = {"error": "the service is full"}
CHAIN = {"s0": {}, "s1": {"depends_on": ["s0"]}, "s2": {"depends_on": ["s1"]}}
REPLACE: dict[str, Any] = {"answer": {"changes": True, "replaces": ["val"]}}
REPLACE_BEFORE: dict[str, Any] = {"answer": {"changes": True, "replaces": ["val"], "delete_before_replace": True}}
CHANGED = {**THREE, "s1": {"val": "b"}}


def _pending(kind: str) -> Any:
    def change(deployment: Deployment) -> None:
        item = next(item for item in deployment["resources"] if item["urn"].endswith("::s1"))
        if kind == "creating":
            deployment["resources"].remove(item)
            item = {
                key: value for key, value in item.items() if key not in ("id", "outputs", "created", "modified")
            }
        deployment["pending_operations"] = [{"resource": item, "type": kind}]

    return change


NEEDING = {"s0": {}, "s1": {"val_from": "s0"}, "s2": {}}

SCENARIOS = (
    Scenario(
        name="create-fails-first",
        about="The only create fails.",
        start=(),
        turns=(up(wants={"s0": {}}, faults={"create:s0": FULL}), up()),
    ),
    Scenario(
        name="create-fails-in-a-chain",
        about="The second of three fails: the first is kept, the third never starts.",
        start=(),
        ordered=True,
        turns=(up(wants=CHAIN, faults={"create:s1": FULL}), preview(), up()),
    ),
    Scenario(
        name="create-fails-continue",
        about="With continue-on-error, everything independent is done, also deletes.",
        turns=(
            up(
                wants={"s0": {"val": "b"}, "s1": {}, "s3": {}, "s4": {}},
                faults={"create:s3": FULL},
                continue_on_error=True,
            ),
            up(),
        ),
    ),
    Scenario(
        name="create-fails-continue-dependents",
        about="With continue-on-error, users of the failed resource are left out, and nothing is deleted.",
        turns=(
            up(
                wants={"s0": {}, "s3": {}, "s4": {"depends_on": ["s3"]}},
                faults={"create:s3": FULL},
                continue_on_error=True,
            ),
        ),
    ),
    Scenario(
        name="create-fails-no-deletes",
        about="Without continue-on-error nothing is deleted after a failure.",
        start=(up(wants={"s0": {}, "s1": {}}),),
        turns=(up(wants={"s3": {}}, faults={"create:s3": FULL}),),
    ),
    Scenario(
        name="create-without-id",
        about="The provider returns no id.",
        start=(),
        turns=(up(wants={"s0": {}}, faults={"create:s0": {"answer": ""}}),),
        allowed=own_words("1 up"),
    ),
    Scenario(
        name="update-fails",
        about="Old inputs and outputs stay; the next run tries again.",
        turns=(up(wants={"s0": {"val": "b"}}, faults={"update:s0": FULL}), up()),
        start=(up(wants={"s0": {}}),),
    ),
    Scenario(
        name="update-fails-continue",
        about="Independent updates and deletes are done.",
        turns=(
            up(wants={"s0": {"val": "b"}, "s1": {"val": "b"}}, faults={"update:s0": FULL}, continue_on_error=True),
        ),
    ),
    Scenario(
        name="update-fails-continue-dependents",
        about="What depends on the failed update is left as it was.",
        start=(up(wants={"s0": {}, "s1": {"depends_on": ["s0"]}}),),
        ordered=True,
        turns=(
            up(
                wants={"s0": {"val": "b"}, "s1": {"val": "b", "depends_on": ["s0"]}},
                faults={"update:s0": FULL},
                continue_on_error=True,
            ),
            up(),
        ),
    ),
    Scenario(
        name="exports-of-a-failed-run",
        about="The stack's outputs of a failed run: new ones are stored, old ones stay.",
        start=(up(wants={"s0": {}}),),
        ordered=True,
        turns=(
            up(
                wants={"s0": {}, "s1": {"depends_on": ["s0"]}},
                config="sample:other: x\n",
                faults={"create:s1": FULL},
            ),
            up(),
        ),
    ),
    Scenario(
        name="unknown-exports-of-a-failed-run",
        about="Exports that a failed run does not know: with continue-on-error the CLI keeps its mark for them.",
        start=(up(wants={"s0": {}}),),
        turns=(
            up(
                wants={"s0": {}, "s1": {}},
                environment={"SAMPLE_EXPORT": "s1"},
                faults={"create:s1": FULL},
                continue_on_error=True,
            ),
            up(environment={"SAMPLE_EXPORT": "s1"}),
            up(
                wants={"s0": {}, "s1": {"val": "b"}},
                environment={"SAMPLE_EXPORT": "s1"},
                faults={"update:s1": FULL},
                continue_on_error=True,
            ),
        ),
    ),
    Scenario(
        name="unknown-exports-of-a-halted-run",
        about="Exports that a run does not know when it ends early: the old ones stay, all of them.",
        start=(up(wants={"s0": {}}),),
        turns=(
            up(
                wants={"s0": {}, "s1": {"depends_on": ["s0"]}},
                environment={"SAMPLE_EXPORT": "s1"},
                faults={"create:s1": FULL},
            ),
            up(environment={"SAMPLE_EXPORT": "s1"}, faults={"create:s1": FULL}),
        ),
    ),
    Scenario(
        name="check-fails-continue",
        about="With continue-on-error, a refused input still ends the run: nothing is deleted.",
        start=(up(wants={"s0": {}, "s1": {"depends_on": ["s0"]}, "s2": {}}),),
        ordered=True,
        turns=(
            up(
                wants={"s0": {"val": "b"}, "s1": {"val": "b", "depends_on": ["s0"]}},
                faults={"check:s1": {"answer": "is no value"}},
                continue_on_error=True,
            ),
        ),
    ),
    Scenario(
        name="read-fails",
        about="The other reads are kept.",
        turns=(
            drift(faults={"read:s0": FULL}),
            refresh(faults={"read:s0": FULL}, drift={"id-s1-a": "OFF"}),
            preview(refresh=True, faults={"read:s0": FULL}),
            up(refresh=True, faults={"read:s0": FULL}),
        ),
        start=(up(wants={"s0": {}, "s1": {}}),),
    ),
    Scenario(
        name="delete-fails",
        about="It stays; the next run tries again.",
        turns=(up(wants={"s0": {}, "s1": {}}, faults={"delete:s2": FULL}), up(wants={"s0": {}, "s1": {}})),
    ),
    Scenario(
        name="delete-fails-in-a-chain",
        about="What the failed one uses is not deleted.",
        start=(up(wants=CHAIN),),
        ordered=True,
        turns=(up(wants={}, faults={"delete:s1": FULL}), up(wants={})),
    ),
    Scenario(
        name="delete-fails-continue",
        about="The same with continue-on-error.",
        start=(up(wants=CHAIN),),
        turns=(up(wants={}, faults={"delete:s1": FULL}, continue_on_error=True),),
    ),
    Scenario(
        name="destroy-fails",
        about="One delete fails.",
        start=(up(wants=CHAIN),),
        ordered=True,
        turns=(destroy(faults={"delete:s1": FULL}), destroy()),
    ),
    Scenario(
        name="check-fails",
        about="An input is refused.",
        start=(),
        turns=(
            preview(wants={"s0": {}}, faults={"check:s0": {"answer": "is no value"}}),
            up(faults={"check:s0": {"answer": "is no value"}}),
        ),
    ),
    Scenario(
        name="check-raises",
        about="The check itself fails.",
        start=(),
        turns=(up(wants={"s0": {}}, faults={"check:s0": FULL}),),
    ),
    Scenario(
        name="check-fails-on-change",
        about="The new input of an existing resource is refused.",
        start=(up(wants={"s0": {}}),),
        turns=(up(wants={"s0": {"val": "b"}}, faults={"check:s0": {"answer": "is no value"}}),),
    ),
    Scenario(
        name="diff-raises",
        about="The comparison fails.",
        start=(up(wants={"s0": {}}),),
        turns=(preview(faults={"diff:s0": FULL}), up(faults={"diff:s0": FULL}), refresh(faults={"diff:s0": FULL})),
    ),
    Scenario(
        name="replace-create-fails",
        about="The new one cannot be made: the old one stays untouched.",
        start=(up(wants={"s1": {}}),),
        turns=(
            up(wants={"s1": {"val": "b"}}, faults={"diff:s1": REPLACE, "create:s1": FULL}),
            up(faults={"diff:s1": REPLACE}),
        ),
    ),
    Scenario(
        name="replace-delete-fails",
        about="The old copy stays beside the new one until the next run.",
        turns=(up(wants=CHANGED, faults={"diff:s1": REPLACE, "delete:s1": FULL}), preview(), up(), up()),
    ),
    Scenario(
        name="replace-delete-first-create-fails",
        about="The old one is gone and the new one does not exist: the next run only creates.",
        start=(up(wants={"s1": {}}),),
        turns=(
            up(wants={"s1": {"val": "b"}}, faults={"diff:s1": REPLACE_BEFORE, "create:s1": FULL}),
            preview(),
            drift(),
            up(),
            up(),
        ),
    ),
    Scenario(
        name="replace-delete-first-create-fails-twice",
        about="The next runs still want the delete first: it is not deleted twice.",
        start=(up(wants={"s1": {}}),),
        turns=(
            up(wants={"s1": {"val": "b"}}, faults={"diff:s1": REPLACE_BEFORE, "create:s1": FULL}),
            preview(faults={"diff:s1": REPLACE_BEFORE}),
            up(faults={"diff:s1": REPLACE_BEFORE, "create:s1": FULL}),
            up(faults={"diff:s1": REPLACE_BEFORE}),
            up(),
        ),
    ),
    Scenario(
        name="replace-half-done-and-removed",
        about="The old one is gone, the new one does not exist yet, and the program no longer declares either.",
        start=(up(wants=THREE),),
        turns=(
            up(wants={"s1": {"val": "b"}}, faults={"diff:s1": REPLACE_BEFORE, "create:s1": FULL}),
            preview(wants={"s0": {}}),
            up(),
        ),
    ),
    Scenario(
        name="replace-delete-first-delete-fails",
        about="The old one cannot be deleted.",
        start=(up(wants={"s1": {}}),),
        turns=(
            up(wants={"s1": {"val": "b"}}, faults={"diff:s1": REPLACE_BEFORE, "delete:s1": FULL}),
            up(faults={"diff:s1": REPLACE_BEFORE}),
        ),
    ),
    Scenario(
        name="program-raises",
        about="The program ends with an exception: what it had declared is kept, nothing is deleted.",
        turns=(
            preview(wants={"s0": {}, "s3": {}}, environment={"SAMPLE_RAISES": "no such file"}),
            up(environment={"SAMPLE_RAISES": "no such file"}),
            up(environment={"SAMPLE_RAISES": "no such file"}, continue_on_error=True),
        ),
    ),
    Scenario(
        name="program-run-error",
        about="The program ends with an error message of its own.",
        turns=(
            preview(environment={"SAMPLE_RUN_ERROR": "the register is invalid"}),
            up(environment={"SAMPLE_RUN_ERROR": "the register is invalid"}),
        ),
    ),
    Scenario(
        name="program-exits",
        about="The program ends with an exit status.",
        turns=(up(environment={"SAMPLE_EXIT": "3"}),),
    ),
    Scenario(
        name="program-exits-well",
        about="The program ends early with exit status 0.",
        turns=(up(environment={"SAMPLE_EXIT": "0"}),),
    ),
    Scenario(
        name="program-warns",
        about="The program logs a warning.",
        turns=(up(environment={"SAMPLE_LOG": "be careful"}),),
    ),
    Scenario(
        name="program-logs-an-error",
        about="The program logs an error and ends well.",
        turns=(
            preview(environment={"SAMPLE_LOG_ERROR": "this is bad"}),
            up(environment={"SAMPLE_LOG_ERROR": "this is bad"}),
        ),
    ),
    Scenario(
        name="check-of-an-unknown-continue",
        about="With continue-on-error a check sees what the failed one has not given, and may refuse it.",
        start=(),
        turns=(
            up(
                wants=NEEDING,
                faults={"create:s0": {"error": "no"}, "check:s1": {"answer": "bad"}},
                continue_on_error=True,
            ),
            up(faults={"create:s0": {"error": "no"}, "check:s1": {"error": "bad"}}, continue_on_error=True),
        ),
    ),
    Scenario(
        name="check-of-an-unknown-of-an-update-continue",
        about="The same with an update that fails.",
        start=(up(wants=NEEDING),),
        turns=(
            up(
                wants={**NEEDING, "s0": {"val": "b"}},
                faults={"update:s0": {"error": "no"}, "check:s1": {"answer": "bad"}},
                continue_on_error=True,
            ),
        ),
    ),
    Scenario(
        name="pending-create",
        about="A run before was killed in a create: the resource is created again; the CLI keeps the note.",
        turns=(preview(edit=_pending("creating")), up(), refresh()),
        allowed=tuple(
            Allowed(
                f"{turn}/state/pending",
                "the note goes when the create is done again, or when nobody asks for it any more",
            )
            for turn in ("2 up", "3 refresh")
        ),
    ),
    Scenario(
        name="pending-update",
        about="A run before was killed in an update: the note goes with the next write.",
        turns=(up(edit=_pending("updating"), wants=CHANGED), up()),
    ),
    Scenario(
        name="pending-delete",
        about="A run before was killed in a delete.",
        turns=(refresh(edit=_pending("deleting")), up(edit=_pending("deleting"))),
    ),
)
