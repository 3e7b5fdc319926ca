"""How long to bear with the forge: which failures are tried again, and how long it may ask us to wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import urllib3
from urllib3.exceptions import InvalidHeader, MaxRetryError, ResponseError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from urllib3.response import BaseHTTPResponse

_PASSING = (500, 502, 503, 504)
_SAID_FROM = 3.0


@dataclass(frozen=True, slots=True)
class Patience:
    """``tries`` counts retries; times are in seconds. ``say`` is told of waits people would notice."""

    tries: int = 5
    first_wait: float = 0.5
    longest_wait: float = 120.0
    say: Callable[[str], None] | None = None


class PatientRetry(urllib3.Retry):
    """urllib3's retries with GitHub's habits: a secondary rate limit is a 403 with Retry-After.

    Every method is tried again, POST too: if a create happened although its answer was lost, the second copy is
    found and removed afterwards (see :mod:`voiceid_optout.forge.comments`).
    """

    RETRY_AFTER_STATUS_CODES = frozenset({403, 413, 429, 503})
    patience: Patience = Patience()

    @classmethod
    def of(cls, patience: Patience) -> Self:
        """Return the retries of one call."""
        retries = cls(
            total=patience.tries,
            allowed_methods=None,
            status_forcelist=_PASSING,
            backoff_factor=patience.first_wait,
            raise_on_status=False,
        )
        retries.patience = patience
        return retries

    def new(self, **changed: Any) -> Self:
        """Copy, as the base class does before each try."""
        copy = super().new(**changed)
        copy.patience = self.patience
        return copy

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """Give up at once when the forge asks for a longer wait than a job should sit through."""
        if response is not None and (self.get_retry_after(response) or 0) > self.patience.longest_wait:
            raise MaxRetryError(_pool, url, ResponseError("asked to wait too long"))
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Return the seconds asked for; a header that is neither seconds nor a date asks for nothing."""
        try:
            return super().get_retry_after(response)
        except InvalidHeader:
            return None

    def sleep_for_retry(self, response: BaseHTTPResponse) -> bool:
        """Wait as asked, and say so."""
        seconds = self.get_retry_after(response) or 0.0
        if seconds >= _SAID_FROM and self.patience.say is not None:
            self.patience.say(f"waiting {seconds:,.0f} s, as GitHub asks")
        return super().sleep_for_retry(response)
