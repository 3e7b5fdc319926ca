from __future__ import annotations

import json

import pytest

from voiceid_optout.state import history
from voiceid_optout.state.project import StackConfig

CONFIG = StackConfig({"sample:a": "1", "sample:token": "hush"}, frozenset({"sample:token"}))


def record(kind: str = "update", *, succeeded: bool = True) -> dict[str, object]:
    counts = {"update": 2, "create": 1}
    return history.record(kind, "why", CONFIG, {"sample:token": "v1:x:y"}, counts, (10, 12), succeeded=succeeded)


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


def test_kind() -> None:
    assert record("refresh")["kind"] == "refresh"


@pytest.mark.parametrize(("succeeded", "word"), [(True, "succeeded"), (False, "failed")])
def test_results(succeeded: bool, word: str) -> None:
    assert record(succeeded=succeeded)["result"] == word
