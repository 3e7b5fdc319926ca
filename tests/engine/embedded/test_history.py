from __future__ import annotations

import json

import pytest

from voiceid_optout.engine.embedded import history
from voiceid_optout.engine.interface import WRITES_STATE, Operation, Result
from voiceid_optout.engine.project import StackConfig

CONFIG = StackConfig({"sample:a": "1", "sample:token": "hush"}, frozenset({"sample:token"}))


def record(operation: Operation = Operation.UP, result: Result = Result.SUCCEEDED) -> dict[str, object]:
    counts = {"update": 2, "create": 1}
    return history.record(operation, "why", CONFIG, {"sample:token": "v1:x:y"}, result, counts, (10, 12))


def test_keys_and_their_order() -> None:
    assert json.dumps(record()) == json.dumps(
        {
            "kind": "update",
            "startTime": 10,
            "message": "why",
            "environment": {"exec.kind": "optout"},
            "config": {"sample:a": "1", "sample:token": {"secure": "v1:x:y"}},
            "version": 0,
            "result": "succeeded",
            "endTime": 12,
            "resourceChanges": {"create": 1, "update": 2},
        }
    )


def test_no_secret_in_clear() -> None:
    assert "hush" not in json.dumps(record())


@pytest.mark.parametrize(
    ("operation", "kind"),
    [(Operation.UP, "update"), (Operation.REFRESH, "refresh"), (Operation.DESTROY, "destroy")],
)
def test_kinds(operation: Operation, kind: str) -> None:
    assert record(operation)["kind"] == kind


def test_every_run_that_writes_has_a_kind() -> None:
    assert all(record(operation)["kind"] for operation in WRITES_STATE)


@pytest.mark.parametrize("result", list(Result))
def test_results(result: Result) -> None:
    assert record(result=result)["result"] == ("succeeded" if result is Result.SUCCEEDED else "failed")
