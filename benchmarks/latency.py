"""The service as if it were far away: ``python -m benchmarks.latency MILLISECONDS serve ...`` delays every answer.

What follows are the arguments of ``optout``.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from voiceid_optout.cli.main import main
from voiceid_optout.service import server
from voiceid_optout.service.http.app import VoiceIdApi

if TYPE_CHECKING:
    from voiceid_optout.service.http.app import Receive, Scope, Send


def delayed(latency: float) -> type[VoiceIdApi]:
    """Return the application with ``latency`` seconds before every answer."""

    class Delayed(VoiceIdApi):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(latency)
            await super().__call__(scope, receive, send)

    return Delayed


if __name__ == "__main__":
    setattr(server, "VoiceIdApi", delayed(int(sys.argv[1]) / 1000))  # noqa: B010 - mypy: a type
    main(sys.argv[2:])
