"""A cloud in a folder, and the provider that works on it. Every call is one line of `calls.jsonl`.

`faults.json` in the same folder says how calls go wrong: keys are `method:name`, values may hold `error` (raise),
`kill` (this process), `wait` (seconds), `hold` (for as long as a file of this name is there) or `answer` (what to
return).
"""

import json
import os
import resource
import signal
import time
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.dynamic.dynamic import serialize_provider

resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
FOLDER = Path(os.environ["SAMPLE_CLOUD"])
TYPE = "pulumi-python:dynamic/sample:Thing"


def note(method: str, name: str, **values: Any) -> dict[str, Any]:
    """Write the call down and return its fault, if it has one."""
    line = json.dumps({"method": method, "name": name, **values}, default=str, sort_keys=True) + "\n"
    handle = os.open(FOLDER / "calls.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, line.encode())
    os.close(handle)
    fault: dict[str, Any] = json.loads((FOLDER / "faults.json").read_bytes()).get(f"{method}:{name}", {})
    if "wait" in fault:
        time.sleep(fault["wait"])
    while "hold" in fault and (FOLDER / fault["hold"]).exists():
        time.sleep(0.01)
    if "kill" in fault:
        os.kill(os.getpid(), signal.SIGKILL)
    if "error" in fault:
        raise RuntimeError(fault["error"])
    return fault


def place(id_: str) -> Path:
    return FOLDER / f"{id_}.object"


def bare(props: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in props.items() if key not in ("__provider", "status")}


class Provider(ResourceProvider):
    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        note("configure", "", config=vars(req.config)["_props"])

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        answer = note("check", news["name"], olds=bare(_olds), news=bare(news)).get("answer")
        if answer is not None:
            return CheckResult(news, [CheckFailure("val", answer)])
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        fault = note(
            "diff", _news["name"], id=_id, olds={**bare(_olds), "status": _olds.get("status")}, news=bare(_news)
        )
        if "answer" in fault:
            return DiffResult(**fault["answer"])
        return DiffResult(changes=_olds.get("val") != _news["val"] or _olds["status"] != "ON")

    def create(self, props: dict[str, Any]) -> CreateResult:
        id_ = f"id-{props['name']}-{props['val']}"
        fault = note("create", props["name"], id=id_, props=bare(props))
        place(id_).write_text("ON", encoding="utf-8")
        return CreateResult(fault.get("answer", id_), {**props, "status": "ON", **fault.get("outs", {})})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        fault = note("update", _news["name"], id=_id, olds=bare(_olds), news=bare(_news))
        place(_id).write_text("ON", encoding="utf-8")
        return UpdateResult({**_news, "status": "ON", **fault.get("outs", {})})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        fault = note("read", props["name"], id=id_, props=bare(props))
        if not place(id_).exists():
            return ReadResult("", {})
        status = place(id_).read_text(encoding="utf-8")
        inputs = {"__provider": props["__provider"], **fault["inputs"]} if "inputs" in fault else None
        return ReadResult(fault.get("answer", id_), {**props, "status": status}, inputs)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        note("delete", _props["name"], id=_id)
        place(_id).unlink(missing_ok=True)


SERIALIZED = serialize_provider(Provider())


class Thing(pulumi.CustomResource):
    status: pulumi.Output[str]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        wanted = {"name": name, **props, "status": None, "__provider": SERIALIZED}
        super().__init__(TYPE, name, wanted, opts)
