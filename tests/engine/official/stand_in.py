"""A program in the place of the Pulumi CLI that plays back what the real one has said.

Made by :func:`install` as ``bin/pulumi``; what it is to play lies beside it in ``play.json``, and how it was called
is one line each of ``calls.jsonl``. Recordings are event logs of the real CLI, version 3.260.0.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDINGS = Path(__file__).parent / "recordings"
REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Play:
    """What the stand-in does when an operation is asked for."""

    recording: str | None = None
    stderr: str = ""
    status: int = 0
    version: str = "v3.260.0"
    interrupts: int = 0  # it waits for that many before it ends


@dataclass(frozen=True)
class StandIn:
    folder: Path

    def play(self, play: Play) -> None:
        (self.folder / "play.json").write_text(json.dumps(asdict(play)), encoding="utf-8")

    def calls(self) -> list[dict[str, Any]]:
        text = (self.folder / "calls.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    @property
    def ready(self) -> Path:
        """Exists while an interrupt is waited for; its content is how many have come."""
        return self.folder / "ready"


def install(folder: Path) -> StandIn:
    folder.mkdir()
    script = folder / "pulumi"
    # A shell in between: the interpreter's path may hold a space, which a script's first line cannot.
    script.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(folder / "stand_in_cli.py"))} "$@"\n',
        encoding="utf-8",
    )
    (folder / "stand_in_cli.py").write_text(
        f"import sys\nsys.path.insert(0, {str(REPOSITORY)!r})\n"
        "from tests.engine.official.stand_in import main\nmain()\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
    stand_in = StandIn(folder)
    stand_in.play(Play())
    return stand_in


def main() -> None:
    folder = Path(sys.argv[0]).parent
    arguments = sys.argv[1:]
    play = Play(**json.loads((folder / "play.json").read_bytes()))
    if arguments == ["version"]:
        print(play.version)
        return
    call = {"arguments": arguments, "environment": {k: v for k, v in os.environ.items() if k.startswith("PULUMI_")}}
    with (folder / "calls.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(call) + "\n")
    if "init" in arguments:
        return
    print("for people only")
    if play.interrupts:
        _await_interrupts(folder / "ready", play.interrupts)
    if play.recording:
        _stream(arguments[arguments.index("--event-log") + 1], RECORDINGS / f"{play.recording}.jsonl")
    sys.stderr.write(play.stderr)
    sys.exit(play.status)


def _await_interrupts(ready: Path, count: int) -> None:
    came = 0

    def take(_number: int, _frame: object) -> None:
        nonlocal came
        came += 1
        ready.write_text(str(came), encoding="utf-8")

    signal.signal(signal.SIGINT, take)
    ready.write_text("0", encoding="utf-8")
    while came < count:
        time.sleep(0.01)


def _stream(address: str, recording: Path) -> None:
    import grpc
    from pulumi.runtime.proto import events_pb2, events_pb2_grpc

    def requests() -> Iterator[Any]:
        for line in recording.read_text(encoding="utf-8").splitlines():
            yield events_pb2.EventRequest(event=line)

    with grpc.insecure_channel(address.removeprefix("tcp://")) as channel:
        events_pb2_grpc.EventsStub(channel).StreamEvents(requests())
