"""States, calls, events and errors without what differs from machine to machine and from run to run."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from voiceid_optout.state import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

URN_PREFIX = "urn:pulumi:dev::sample::"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UNKNOWN_OBJECT = re.compile(r"<pulumi\.output\.Unknown object at 0x[0-9a-f]+>")
_OBJECT = re.compile(r" object at 0x[0-9a-f]+")
_IGNORED = ("urn", "created", "modified", "sourcePosition", "stackTrace")

Json = Any


def state(document: Json, before: Json, decrypt: Callable[[str], str]) -> Json:
    """Return the deployment of a state file by resource; ``before`` tells which times are new."""
    latest = document["checkpoint"]["latest"] or {}
    resources = latest.get("resources", [])
    found: dict[str, Any] = {"version": document["version"], "resources": {}}
    for item in resources:
        key = short(item["urn"]) + (" (old copy)" if item.get("delete") else "")
        while key in found["resources"]:
            key += "'"
        found["resources"][key] = _resource(item, decrypt)
    if pending := latest.get("pending_operations"):
        found["pending"] = sorted(f"{item['type']} {short(item['resource']['urn'])}" for item in pending)
    if wrong := _out_of_order(resources):
        found["out of order"] = wrong
    for stamp in ("created", "modified"):
        found[f"newly {stamp}"] = _newly(stamp, resources, before)
    return found


def _resource(item: Json, decrypt: Callable[[str], str]) -> Json:
    found = {key: _shortened(_property(key, value, decrypt)) for key, value in item.items() if key not in _IGNORED}
    if item["type"].startswith("pulumi:providers:"):
        found["id"] = "<uuid>"
    if not found.get("propertyDependencies", True):
        del found["propertyDependencies"]
    return found


def _property(key: str, value: Json, decrypt: Callable[[str], str]) -> Json:
    if key in ("inputs", "outputs"):
        return {name: _opened(name, inner, decrypt) for name, inner in value.items()}
    if key == "propertyDependencies":
        return {name: sorted(urns) for name, urns in value.items() if urns}
    if key == "dependencies":  # the SDK keeps them in a set
        return sorted(value)
    return value


def _opened(name: str, value: Json, decrypt: Callable[[str], str]) -> Json:
    if name == "__provider" and isinstance(value, str):
        return "<provider>"
    return _marked(values.decode(value, decrypt))


def _marked(value: Any) -> Json:
    if isinstance(value, values.Secret):
        return {"secret": _marked(value.value)}
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    if not isinstance(value, float):
        return value
    number = values.normal_number(value)
    return number if number or not math.copysign(1, number) < 0 else "-0 as a number"


def _out_of_order(resources: Sequence[Json]) -> list[str]:
    """Return what stands before something it needs; the CLI refuses such a state."""
    seen: set[str] = set()
    wrong = []
    for item in resources:
        provider = item.get("provider", "").rsplit("::", 1)[0]
        needs = [item.get("parent"), provider, item.get("deletedWith"), *item.get("dependencies", ())]
        wrong += [short(item["urn"]) for need in needs if need and need not in seen]
        seen.add(item["urn"])
    return wrong


def _newly(stamp: str, resources: Sequence[Json], before: Json) -> list[str]:
    old = ((before or {}).get("checkpoint", {}).get("latest") or {}).get("resources", [])
    known = {(item["urn"], item.get("delete"), item.get(stamp)) for item in old}
    return sorted(
        short(item["urn"])
        for item in resources
        if item.get(stamp) and (item["urn"], item.get("delete"), item[stamp]) not in known
    )


def short(urn: str) -> str:
    """Return type and name."""
    return urn.removeprefix(URN_PREFIX)


def _shortened(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return _UUID.sub("<uuid>", value.replace(URN_PREFIX, "")) if isinstance(value, str) else value


def calls(made: Sequence[Mapping[str, Any]], *, ordered: bool, refreshed: bool) -> Json:
    """Return the provider's calls by phase and resource: the engines work on several at a time.

    Without a refresh a read is the program's, and comes before other calls of it or after them.
    """
    steps = [call for call in made if call["method"] != "configure"]
    found: dict[str, Any] = {"configure": [call["config"] for call in made if call["method"] == "configure"]}
    start = 0
    if refreshed:
        start = next((at for at, call in enumerate(steps) if call["method"] in ("check", "delete")), len(steps))
    end = max((at for at, call in enumerate(steps, 1) if call["method"] != "delete"), default=0)
    if ordered:
        found["order"] = [f"{call['method']} {call['name']}" for call in steps[start:]]
    phases = {"read": steps[:start], "program": steps[start : max(start, end)], "delete": steps[max(start, end) :]}
    for phase, inside in phases.items():
        grouped: dict[str, list[Json]] = {}
        for call in inside:
            grouped.setdefault(call["name"], []).append(_call(call))
        if grouped:
            found[phase] = {name: _one_by_one(group) for name, group in sorted(grouped.items())}
    return found


def _one_by_one(group: list[str]) -> list[str]:
    """Sort the calls where a resource and its old copies are read side by side."""
    return sorted(group) if sum(call.startswith("read ") for call in group) > 1 else group


def _call(call: Mapping[str, Any]) -> str:
    arguments = {key: _marked(value) for key, value in call.items() if key not in ("method", "name")}
    text = json.dumps(arguments, sort_keys=True, ensure_ascii=False)
    return f"{call['method']} {_OBJECT.sub('', _UNKNOWN_OBJECT.sub('<unknown>', text))}"


def steps(events: Sequence[Json], *, ordered: bool) -> Json:
    """Return what the events tell of each resource, in order, and the summary's counts."""
    found: dict[str, list[str]] = {}
    order = []
    for event in events:
        for kind, word in (
            ("resourcePreEvent", "begins"),
            ("resOutputsEvent", "done"),
            ("resOpFailedEvent", "failed"),
        ):
            if kind not in event:
                continue
            metadata = event[kind]["metadata"]
            line = f"{word} {_step(metadata)}{' (planned)' if event[kind].get('planning') else ''}"
            found.setdefault(_subject(metadata), []).append(line)
            if ":dynamic/" in metadata["urn"] and not _is_read(metadata):
                order.append(f"{word} {metadata['op']} {short(metadata['urn'])}")
    counts = next((event["summaryEvent"]["resourceChanges"] for event in events if "summaryEvent" in event), None)
    result: dict[str, Any] = {"resources": dict(sorted(found.items())), "counts": counts or {}}
    if ordered:
        result["order"] = order
    return result


def _subject(metadata: Json) -> str:
    """Return what a step is about; a refresh reads old copies beside the resource itself."""
    old_copy = _is_read(metadata) and (metadata.get("old") or {}).get("delete")
    return short(metadata["urn"]) + (" (old copy)" if old_copy else "")


def _is_read(metadata: Json) -> bool:
    return metadata["op"] in ("refresh", "same", "update", "delete") and not metadata.get("logical")


def _step(metadata: Json) -> str:
    text = str(metadata["op"])
    if not metadata.get("logical"):
        text += " (not logical)"
    return f"{text}: {_side(metadata.get('old'))} -> {_side(metadata.get('new'))}"


def _side(side: Json) -> str:
    """Return what matters of a resource on one side of a step: id, status, and the flags that decide about it."""
    if side is None:
        return "-"
    outputs = side.get("outputs") or {}
    status = outputs.get("status", "no status")
    words = [_UUID.sub("<uuid>", side.get("id") or "no id"), "[secret]" if isinstance(status, dict) else status]
    words += [flag for flag in ("delete", "protect", "retainOnDelete") if side.get(flag)]
    return " ".join(words)


def errors(found: Sequence[str], root: Path) -> list[str]:
    """Return the errors, each as one line, sorted, without paths of this machine."""
    lines = [" ".join(text.split()).replace(str(root), "<project>").replace(URN_PREFIX, "") for text in found]
    return sorted(_UUID.sub("<uuid>", line) for line in lines)


def export(document: Json) -> Json:
    """Return what `pulumi stack export --show-secrets` wrote, without times, paths and versions of this machine."""
    deployment = dict(document["deployment"])
    deployment["manifest"] = {"time": "0001-01-01T00:00:00Z", "magic": "", "version": ""}
    deployment.pop("secrets_providers", None)
    ignored = ("created", "modified", "sourcePosition", "stackTrace")
    deployment["resources"] = [
        {key: value for key, value in item.items() if key not in ignored}
        for item in deployment.get("resources", [])
    ]
    return {"version": document["version"], "deployment": deployment}
