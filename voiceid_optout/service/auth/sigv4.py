"""Verification of AWS Signature Version 4 on incoming requests (docs.aws.amazon.com, "Signature Version 4")."""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from voiceid_optout.service.auth.keys import Key
from voiceid_optout.service.errors import (
    FrameworkError,
    client_unknown,
    signature_incomplete,
    signature_invalid,
)
from voiceid_optout.service.settings import WINDOW_SECONDS

SERVICE = "voiceid"
_CACHED_KEYS = 64
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)"
    r"/aws4_request\s*,\s*SignedHeaders=(?P<headers>[a-z0-9;_-]+)\s*,\s*Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)
# The target names the operation: unsigned, a captured read could be replayed as a delete.
_MUST_BE_SIGNED = ("host", "x-amz-date", "x-amz-target")

Headers = Mapping[str, str]


@dataclass(slots=True)  # not frozen, which would cost a microsecond a request
class Signed:
    """Who signed a request, and with what. ``dated`` is in epoch seconds."""

    key: Key
    signature: str
    dated: int


class Verifier:
    """Checks that a request was signed with one of the known keys, for this service and region, just now.

    ``window`` is in seconds, in both directions.
    """

    def __init__(self, keys: Mapping[str, Key], region: str, window: float = WINDOW_SECONDS) -> None:
        self._keys = keys
        self._region = region
        self._window = window
        self._signing_keys: dict[tuple[str, str], bytes] = {}

    def replace(self, keys: Mapping[str, Key]) -> None:
        """Take these keys from now on; what was derived from former secrets is forgotten."""
        self._keys = keys
        self._signing_keys.clear()

    def verify(self, headers: Headers, body: bytes, now: float) -> Signed:
        """Return who signed it if the signature holds; raise the FrameworkError to answer otherwise.

        ``headers`` have lower-case names; ``now`` is in epoch seconds. Only ``POST /`` without a query is ever
        verified, because the protocol has no other request.
        """
        authorization = headers.get("authorization")
        if authorization is None:
            raise FrameworkError(
                "MissingAuthenticationTokenException",
                "The request is not signed: an Authorization header is missing.",
            )
        match = _AUTHORIZATION.fullmatch(authorization.strip(" \t"))
        if match is None:
            raise signature_incomplete(
                "The Authorization header is not of the form 'AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., "
                "Signature=...'."
            )
        access_key, date, region, service, names, signature = match.groups()
        key = self._keys.get(access_key)
        if key is None:
            raise client_unknown("The security token included in the request is invalid.")
        if "x-amz-security-token" in headers:
            raise client_unknown("This service issues no session tokens: unset AWS_SESSION_TOKEN in the client.")
        signed = names.split(";")
        self._check_scope(region, service)
        self._check_headers(signed, headers)
        stamp = headers["x-amz-date"]
        dated = self._check_date(stamp, date, now)
        expected = self._signature(key, date, stamp, signed, headers, body)
        if not hmac.compare_digest(expected, signature):
            raise signature_invalid(
                "The request signature does not match: the secret access key is another one, or the request was "
                "changed after it was signed."
            )
        return Signed(key, signature, dated)

    def _check_scope(self, region: str, service: str) -> None:
        if service != SERVICE:
            raise signature_invalid(f"Credential should be scoped to the service '{SERVICE}'.")
        if region != self._region:
            raise signature_invalid(
                f"Credential should be scoped to the region '{self._region}', which this service serves."
            )

    def _check_headers(self, signed: list[str], headers: Headers) -> None:
        for name in _MUST_BE_SIGNED:
            # A request without any target is told so later; a target that is there must be covered.
            if name not in signed and (name != "x-amz-target" or name in headers):
                raise signature_invalid(f"The header '{name}' must be among the signed headers.")
        for name in signed:
            if name not in headers:
                raise signature_invalid(f"The signed header '{name}' is not in the request.")

    def _check_date(self, stamp: str, date: str, now: float) -> int:
        signed_at = _epoch(stamp)
        if signed_at is None:
            raise signature_incomplete("X-Amz-Date is not of the form YYYYMMDDTHHMMSSZ.")
        if not stamp.startswith(date):
            raise signature_invalid("The date in the credential scope is not the date of X-Amz-Date.")
        if abs(signed_at - now) > self._window:
            served = dt.datetime.fromtimestamp(now, dt.UTC).strftime("%Y%m%dT%H%M%SZ")
            raise signature_invalid(
                f"Signature expired: the request is dated {stamp} and the service's clock says {served}; they may "
                f"be {_span(self._window)} apart. Set the client's clock."
            )
        return signed_at

    def _signature(self, key: Key, date: str, stamp: str, signed: list[str], headers: Headers, body: bytes) -> str:
        payload = hashlib.sha256(body).hexdigest()
        if headers.get("x-amz-content-sha256", payload) != payload:
            raise signature_invalid("X-Amz-Content-Sha256 is not the digest of the body.")
        lines = "".join(f"{name}:{_folded(headers[name])}\n" for name in signed)
        canonical = f"POST\n/\n\n{lines}\n{';'.join(signed)}\n{payload}"
        digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
        scope = f"{date}/{self._region}/{SERVICE}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
        return hmac.new(self._signing_key(key, date), text.encode(), hashlib.sha256).hexdigest()

    def _signing_key(self, key: Key, date: str) -> bytes:
        cached = self._signing_keys.get((key.access_key_id, date))
        if cached is None:
            cached = derive_key(key.secret, date, self._region)
            if len(self._signing_keys) >= _CACHED_KEYS:
                self._signing_keys.clear()
            self._signing_keys[key.access_key_id, date] = cached
        return cached


def _folded(value: str) -> str:
    """Trim a header's value and fold its inner spaces, as the signing rules ask: ASCII's, the others are text."""
    if value.isascii():
        return " ".join(value.split())
    return b" ".join(value.encode("latin-1").split()).decode("latin-1")


def _span(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} seconds"  # noqa: PLR2004  two minutes


@lru_cache(maxsize=256)
def _epoch(stamp: str) -> int | None:
    # Cached, because the requests of one second share the stamp and parsing costs as much as the digests.
    try:
        return int(dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC).timestamp())
    except ValueError:
        return None


def derive_key(secret: str, date: str, region: str) -> bytes:
    """Return the signing key of one secret for one day (``YYYYMMDD``) and region."""
    key = ("AWS4" + secret).encode()
    for part in (date, region, SERVICE, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def header_map(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return ASGI headers as text by lower-case name; repeated ones are joined with a comma, as when signing."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers
