"""The order in which a verified request is let through: role, quota, and never a second time."""

import time
from collections.abc import Awaitable, Callable

from voiceid_optout.service.access.quotas import Quotas
from voiceid_optout.service.access.replay import GRACE_SECONDS, ReplayMemory
from voiceid_optout.service.access.roles import is_destructive, is_reading, not_granted
from voiceid_optout.service.errors import FrameworkError, signature_invalid
from voiceid_optout.service.sigv4 import Signed

USE_SIGNATURE = "UseSignature"

Use = Callable[[str], Awaitable[float]]
"""Notes a signature in the database and returns for how many seconds it has been known there."""


class Gate:
    """Lets a request pass or raises the ApiError to answer."""

    def __init__(self, quotas: Quotas, memory: ReplayMemory, use: Use) -> None:
        self._quotas = quotas
        self._memory = memory
        self._use = use

    async def admit(self, signed: Signed, operation: str, now: float) -> None:
        """Raise AccessDeniedException, ThrottlingException or InvalidSignatureException; ``now`` is epoch time."""
        key = signed.key
        if operation not in key.operations:
            raise not_granted(key.role, operation)
        self._quotas.spend(key.access_key_id, operation, time.monotonic())
        if is_reading(operation):
            return
        if is_destructive(operation):
            if await self._use(signed.signature) > GRACE_SECONDS:
                raise _replayed()
        elif not self._memory.first_use(signed.dated, signed.signature, now):
            raise _replayed()


def _replayed() -> FrameworkError:
    return signature_invalid(
        "This signed request has been received before. Sign every request anew; the SDKs do, also when they retry."
    )
