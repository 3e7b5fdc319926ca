from __future__ import annotations

import json
import threading
import time

import pytest
from pulumi.automation import events as api

from tests.engine.bench import THING, urn
from voiceid_optout.cli.running import to_json
from voiceid_optout.engine.embedded.run import Emitter


def metadata(op: api.OpType = api.OpType.CREATE) -> api.StepEventMetadata:
    state = api.StepEventStateMetadata(
        type=THING, urn=urn("s1"), id="i", parent="", provider="", inputs={"a": [None]}
    )
    return api.StepEventMetadata(op=op, urn=urn("s1"), type=THING, provider="p", new=state, logical=True)


@pytest.fixture
def told() -> list[api.EngineEvent]:
    return []


@pytest.fixture
def emitter(told: list[api.EngineEvent]) -> Emitter:
    return Emitter(told.append)


def test_numbered_and_timed(emitter: Emitter, told: list[api.EngineEvent]) -> None:
    before = int(time.time())
    emitter.prelude({"a:b": "c"})
    emitter.diagnostic("info", "hello")
    emitter.cancelled()
    assert [event.sequence for event in told] == [0, 1, 2]
    assert all(before <= event.timestamp <= time.time() for event in told)


def test_one_at_a_time(emitter: Emitter, told: list[api.EngineEvent]) -> None:
    def say() -> None:
        for _ in range(200):
            emitter.diagnostic("error", "no room")
            emitter.count(api.OpType.SAME)

    threads = [threading.Thread(target=say) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.sequence for event in told] == list(range(800))
    assert emitter.counts == {"same": 800}
    assert emitter.errors() == ("no room (800 times)",)


def test_errors_are_said_once(emitter: Emitter) -> None:
    for severity, message in (("error", "b"), ("error", "a"), ("warning", "w"), ("error", "b"), ("info", "i")):
        emitter.diagnostic(severity, message)
    assert emitter.errors() == ("b (2 times)", "a")


def test_no_errors(emitter: Emitter) -> None:
    assert emitter.errors() == ()


def test_summary(emitter: Emitter, told: list[api.EngineEvent]) -> None:
    for op in (api.OpType.UPDATE, api.OpType.CREATE, api.OpType.UPDATE):
        emitter.count(op)
    emitter.summary()
    assert to_json(told[0])["summaryEvent"] == {
        "maybeCorrupt": False,
        "durationSeconds": 0,
        "resourceChanges": {"create": 1, "update": 2},
        "PolicyPacks": {},
    }


@pytest.mark.parametrize("planning", [False, True])
def test_steps(emitter: Emitter, told: list[api.EngineEvent], planning: bool) -> None:
    emitter.before(metadata(), planning=planning)
    emitter.done(metadata(), planning=planning)
    documents = [to_json(event) for event in told]
    assert [key for document in documents for key in document if key.endswith("Event")] == [
        "resourcePreEvent",
        "resOutputsEvent",
    ]
    for document, key in zip(documents, ("resourcePreEvent", "resOutputsEvent"), strict=True):
        assert document[key].get("planning", False) is planning
        assert document[key]["metadata"] == {
            "op": "create",
            "urn": urn("s1"),
            "type": THING,
            "provider": "p",
            "logical": True,
            "new": {
                "type": THING,
                "urn": urn("s1"),
                "id": "i",
                "parent": "",
                "provider": "",
                "inputs": {"a": [None]},
            },
        }


def test_a_failed_step(emitter: Emitter, told: list[api.EngineEvent]) -> None:
    emitter.failed(metadata(api.OpType.UPDATE))
    document = to_json(told[0])["resOpFailedEvent"]
    assert (document["metadata"]["op"], document["status"], document["steps"]) == ("update", 0, 0)


def test_the_log_is_what_the_api_reads(emitter: Emitter, told: list[api.EngineEvent]) -> None:
    emitter.prelude({"a:b": "c"})
    emitter.diagnostic("error", "no room", urn("s1"))
    emitter.before(metadata(), planning=False)
    emitter.done(metadata(), planning=True)
    emitter.failed(metadata())
    emitter.count(api.OpType.SAME)
    emitter.summary()
    emitter.cancelled()
    for event in told:
        line = json.loads(json.dumps(to_json(event)))
        again = to_json(api.EngineEvent.from_json(line))
        for content in again.values():
            if isinstance(content, dict) and "metadata" in content:
                assert content["metadata"].pop("detailedDiff") == {}  # the API's own for "not told"
        assert again == line


def test_keys_and_values_of_the_api_become_texts() -> None:
    summary = api.SummaryEvent(False, 1, {api.OpType.SAME: 2}, {"pack": "1"})
    assert to_json(summary) == {
        "maybeCorrupt": False,
        "durationSeconds": 1,
        "resourceChanges": {"same": 2},
        "PolicyPacks": {"pack": "1"},
    }
