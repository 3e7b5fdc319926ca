"""What the service uses of uvicorn beyond its documents: whoever raises its version sees here what is gone."""

import asyncio
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

PROJECT = Path(__file__).parents[3] / "pyproject.toml"
CONNECTION = (
    *("connection_made", "data_received", "eof_received", "on_response_complete", "send_400_response", "shutdown"),
    *("connections", "cycle", "flow", "loop", "scheme", "transport"),
)
CYCLE = ("more_body", "response_complete", "response_started", "scope", "transport")
FLOW = ("pause_reading", "resume_reading", "write_paused")
PARSER = ("feed_data", "get_http_version", "get_method", "set_dangerous_leniencies", "should_upgrade")
OFFERS = ("_unset_keepalive_if_required", "headers", "on_headers_complete", "on_message_complete", "parser", "url")
SERVER = ("capture_signals", "serve", "server_state", "should_exit", "startup")


def gone(owner: object, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if not hasattr(owner, name)]


def test_the_version_is_one_that_was_tried() -> None:
    pinned = re.search(r'"uvicorn>=([\d.]+),<([\d.]+)"', PROJECT.read_text(encoding="utf-8"))
    assert pinned is not None
    least, limit, here = (
        [int(number) for number in text.split(".")] for text in (*pinned.groups(), version("uvicorn"))
    )
    assert least <= here < limit


@pytest.mark.parametrize("protocol", [HttpToolsProtocol, H11Protocol])
def test_what_a_connection_has_while_it_answers(protocol: Any) -> None:
    found: dict[str, list[str]] = {}
    closed: list[bool] = []
    connection: Any = None

    class Transport(asyncio.Transport):
        def is_closing(self) -> bool:
            return False

        def abort(self) -> None:
            closed.append(True)

    async def application(_scope: Mapping[str, Any], _receive: object, send: Any) -> None:
        found["cycle"] = gone(connection.cycle, CYCLE)
        send.__self__.transport.abort()  # as for a reply that is to be lost
        await asyncio.Future()

    async def main() -> None:
        nonlocal connection
        config = uvicorn.Config(application, interface="asgi3", lifespan="off", ws="none", log_config=None)
        state = ServerState()
        connection = protocol(config, state, {})
        connection.connection_made(Transport())
        connection.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(0)
        found["connection"] = gone(connection, CONNECTION)
        found["flow"] = gone(connection.flow, FLOW)
        if protocol is HttpToolsProtocol:
            found["offers"], found["parser"] = gone(connection, OFFERS), gone(connection.parser, PARSER)
        assert state.connections == {connection}
        for task in state.tasks:
            task.cancel()

    asyncio.run(main())
    assert {part: names for part, names in found.items() if names} == {}, f"not in uvicorn {version('uvicorn')}"
    assert "cycle" in found
    assert closed == [True]


def test_what_a_server_has() -> None:
    async def application(_scope: object, _receive: object, _send: object) -> None: ...

    config = uvicorn.Config(application, log_config=None)
    assert gone(uvicorn.Server(config), SERVER) == []
    config.load()
    assert gone(config, ("ssl",)) == []
