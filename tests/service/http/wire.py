"""The service's end of a connection without a socket: what comes, and when, is the test's to say."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from voiceid_optout.service.http.protocol import LimitedProtocol
from voiceid_optout.service.settings import ConnectionLimits


class Wire(asyncio.Transport):
    """Keeps the answers, and whether the protocol reads."""

    def __init__(self, application: Any, limits: ConnectionLimits | None = None) -> None:
        super().__init__()
        config = uvicorn.Config(application, lifespan="off", ws="none", log_config=None)
        self.state = ServerState()
        self.protocol = LimitedProtocol(config, self.state, {}, limits=limits or ConnectionLimits())
        self.answers = b""
        self.reading = True
        self._closing = False
        self.protocol.connection_made(self)

    def give(self, data: bytes) -> int:
        """Let the protocol read this, and return its size."""
        self.protocol.data_received(data)
        return len(data)

    async def all_done(self) -> None:
        """Wait until everything that was asked is answered."""
        while self.state.tasks:
            await asyncio.wait(self.state.tasks)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.answers += data

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True
