"""The program's process: runs the project's program as the official language host does.

Started as ``python -m voiceid_optout.engine.embedded.program FD`` with one end of a socket pair; everything it
needs to know comes as the first message. It cannot reach the engine's state but through the calls of
:mod:`voiceid_optout.engine.embedded.transport`.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import logging
import os
import runpy
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import grpc
import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime import Settings, configure, set_all_config
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.stack import run_in_stack

from voiceid_optout.engine.embedded.transport import DONE, ERROR, METHODS, OK, Frame, Method, receive, send
from voiceid_optout.engine.messages import unhandled
from voiceid_optout.speakers import hand_over
from voiceid_optout.state import OutOfScope, OutOfScopeError

if TYPE_CHECKING:
    from collections.abc import Callable

_GONE = "the engine is gone"
_NUMBERS = {method.name: number for number, method in enumerate(METHODS)}


class RemoteError(grpc.RpcError):
    """A call that failed, in the form the SDK expects of gRPC."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self._code = code
        self._details = details

    def code(self) -> grpc.StatusCode:
        """Return the status."""
        return self._code

    def details(self) -> str:
        """Return the message."""
        return self._details


class Caller:
    """The program's side: methods of the monitor and the engine, callable from any thread."""

    def __init__(self, connection: Connection, lost: Callable[[], None]) -> None:
        """Start receiving; ``lost`` is called when the engine is gone and no call can be answered any more."""
        self._connection = connection
        self._lost = lost
        self._numbers = itertools.count()
        self._send = threading.Lock()
        self._waiting: dict[int, SimpleQueue[tuple[int, bytes]]] = {}
        threading.Thread(target=self._receive, daemon=True, name="channel").start()

    def __getattr__(self, name: str) -> Any:
        """Return the remote method; one the engine does not have answers UNIMPLEMENTED, as gRPC would."""
        if name.startswith("_"):
            raise AttributeError(name)
        number = _NUMBERS.get(name)

        def call(request: Any, *_: Any, **__: Any) -> Any:
            if number is None:
                raise RemoteError(grpc.StatusCode.UNIMPLEMENTED, str(OutOfScopeError(OutOfScope.CALL, name)))
            return self._call(METHODS[number], number, request)

        return call

    def Log(self, request: Any, *_: Any, **__: Any) -> Any:  # noqa: N802 - the protocol's name
        """Pass a message on; those for debugging end here, where the SDK writes a dozen for each resource."""
        if request.severity == engine_pb2.DEBUG:
            return empty_pb2.Empty()
        return self._call(METHODS[_NUMBERS["Log"]], _NUMBERS["Log"], request)

    def _call(self, method: Method, number: int, request: Any) -> Any:
        call = next(self._numbers)
        answer: SimpleQueue[tuple[int, bytes]] = SimpleQueue()
        self._waiting[call] = answer
        try:
            self._write(call, number, request.SerializeToString())
        except OSError:
            del self._waiting[call]
            raise RemoteError(grpc.StatusCode.UNAVAILABLE, _GONE) from None
        status, body = answer.get()
        if status == OK:
            return method.response.FromString(body)
        raise RemoteError(grpc.StatusCode.UNKNOWN, body.decode())

    def finish(self, body: bytes) -> None:
        """Tell the engine that the program has ended."""
        self._write(next(self._numbers), DONE, body)

    def _write(self, call: int, number: int, body: bytes) -> None:
        with self._send:
            send(self._connection, Frame(call, number, body))

    def _receive(self) -> None:
        while True:
            try:
                frame = receive(self._connection)
            except EOFError:
                for waiting in list(self._waiting.values()):
                    waiting.put((ERROR, _GONE.encode()))
                self._lost()
                return
            self._waiting.pop(frame.number).put((frame.kind, frame.body))


def main() -> None:
    """Run the program the first message describes and report how it ended."""
    connection = Connection(int(sys.argv[1]))
    start: dict[str, Any] = connection.recv()
    if (parts := start.pop("declared")) is not None:
        hand_over(tuple(one for _ in range(parts) for one in connection.recv()))
    # Without an engine the program would wait for ever: its own waits know nothing of a lost channel.
    caller = Caller(connection, lost=lambda: os._exit(1))
    os.chdir(start["root"])
    sys.path.insert(0, start["root"])
    set_all_config(start["config"], start["secret_keys"])
    configure(
        Settings(
            project=start["project"],
            stack=start["stack"],
            organization="organization",
            root_directory=start["root"],
            monitor=caller,
            engine=caller,
            parallel=start["parallel"],
            dry_run=start["dry_run"],
        )
    )
    # A hundred thousand people are no garbage: to look through them over and over costs a tenth of a run.
    gc.set_threshold(50_000, 20, 100)
    # The SDK leaves futures of failed resources unobserved; asyncio would print each.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    caller.finish(json.dumps(_run(start)).encode())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # no waiting for threads that may still be in a call


def _run(start: dict[str, Any]) -> dict[str, Any]:
    script = str(Path(start["root"]) / "__main__.py")
    sys.argv = [script]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(start["parallel"] * 4))
    try:
        loop.run_until_complete(run_in_stack(lambda: _program(script)))
    except pulumi.RunError as error:
        return {"error": str(error)}
    except SystemExit as end:
        status = f"the program ended with exit status {end.code}" if isinstance(end.code, int) else str(end.code)
        return {"error": status}
    except BaseException as error:  # noqa: BLE001 - whatever the program raised is its result
        return {"error": unhandled(traceback.format_exc()), "exception_text": str(error)}
    return {}


def _program(script: str) -> None:
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code:  # else it is an end like any other
            raise


if __name__ == "__main__":
    main()
