"""The order in which a verified request is let through: role, then quota."""

import time

from voiceid_optout.service.auth.quotas import Quotas
from voiceid_optout.service.auth.roles import not_granted
from voiceid_optout.service.auth.sigv4 import Signed


class Gate:
    """Lets a request pass or raises the ApiError to answer."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def admit(self, signed: Signed, operation: str) -> None:
        """Raise AccessDeniedException or ThrottlingException."""
        key = signed.key
        if operation not in key.operations:
            raise not_granted(key.role, operation)
        self._quotas.spend(key.access_key_id, operation, time.monotonic())
