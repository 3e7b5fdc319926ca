"""Uvicorn's HTTP protocol, with limits where it has none, and with an answer to whoever is owed one.

Limits: slow clients, endless headers, too many connections, and requests that do not wait for answers. Answers: to
what is no HTTP, to a request that offers another protocol, and to a client that has closed its own side.
"""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

from voiceid_optout.service import ids
from voiceid_optout.service.errors import FRAMEWORK
from voiceid_optout.service.settings import ConnectionLimits

_UPGRADE = b"upgrade"

try:
    import httptools
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
except ImportError:  # where httptools has no build
    from uvicorn.protocols.http.h11_impl import H11Protocol as Protocol
else:

    class Protocol(HttpToolsProtocol):  # type: ignore[no-redef]
        """Uvicorn's on httptools, which reads a request that offers another protocol as the request it is.

        RFC 9110, 7.8: a server may ignore Upgrade. The parser does not: it ends behind such a head and takes what
        follows for the other protocol. So a new parser gets the head without the offer, and then the rest.
        """

        _offers: tuple[tuple[bytes, bytes], ...] = ()

        def data_received(self, data: bytes) -> None:
            """Read on, past any number of offers."""
            self._unset_keepalive_if_required()
            try:
                while (end := self._feed(data)) is not None:
                    data = data[end:]
                    self._start_anew()
            except httptools.HttpParserError:
                self.send_400_response("")

        def _feed(self, data: bytes) -> int | None:
            """Parse; return where the parser ended at an offer, if it did."""
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                return int(offer.args[0])
            return None

        def on_headers_complete(self) -> None:
            """Begin the request, unless its head is to be read again."""
            if self.parser.should_upgrade():
                return
            self.headers.extend(self._offers)  # a client may have signed it
            self._offers = ()
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            """Note that the body is whole, unless the head is to be read again."""
            if not self.parser.should_upgrade():
                super().on_message_complete()
                self.cycle.more_body = False  # uvicorn leaves it where the answer came first

        def _start_anew(self) -> None:
            """Read the head again, without the offer; raises HttpParserError for CONNECT, which is only that."""
            method, version = self.parser.get_method(), self.parser.get_http_version().encode()
            if method == b"CONNECT":
                raise httptools.HttpParserError
            kept = b"".join(b"%s: %s\r\n" % header for header in self.headers if header[0] != _UPGRADE)
            offers = tuple(header for header in self.headers if header[0] == _UPGRADE)
            head = b"%s %s HTTP/%s\r\n%s\r\n" % (method, self.url, version, kept)
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            self._offers = offers
            self.parser.feed_data(head)


_FAREWELL_SECONDS = 0.2
_PIECE_BYTES = 1024  # of what is parsed at once: some 50 of the shortest requests
_REFUSALS: Mapping[int, tuple[str, str]] = {
    400: ("MalformedHttpRequestException", "The request is not HTTP/1.1 as this service reads it."),
    408: ("RequestTimeoutException", "The request did not arrive in time."),
    431: ("RequestHeaderFieldsTooLargeException", "The headers are larger than this service takes."),
    503: ("ServiceUnavailableException", "The service has as many connections as it takes; try again."),
}


class _Flow(FlowControl):
    """Uvicorn's, which reads on whenever a request begins or ends: not while ``held``."""

    held = False

    def hold(self, held: bool) -> None:  # noqa: FBT001  a state, not a switch
        """Stop reading until told otherwise, or read on if it was stopped so."""
        if held:
            self.held = True
            self.pause_reading()
        elif self.held:
            self.held = False
            self.resume_reading()

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class LimitedProtocol(Protocol):
    """One connection. ``sweep`` is to be called about once a second: a timer a request would cost too much.

    What comes while a request waits for its answer is kept as it is, one read of the socket at most. Uvicorn would
    parse it and read on, and a request of 18 bytes grows to two thousand by that.
    """

    flow: _Flow

    def __init__(self, *arguments: Any, limits: ConnectionLimits, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._limits = limits
        self._waiting_since: float | None = None
        self._stalled_since: float | None = None
        self._head_bytes = 0
        self._kept = b""
        self._ending = False
        self._malformed = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport)
        self._waiting_since = self.loop.time()
        if len(self.connections) > self._limits.connections:
            self._refuse(503)

    def data_received(self, data: bytes) -> None:
        if not self._ending:
            self._kept += data
            self._read_on()

    def _read_on(self) -> None:
        """Parse what has come, up to a request that is to be answered first."""
        data, start = self._kept, 0
        while start < len(data) and not self._is_answering():
            if self.transport.is_closing():
                start = len(data)
            else:
                self._parse(data[start : start + _PIECE_BYTES])
                start += _PIECE_BYTES
        self._kept = b"" if self._malformed else data[start:]
        self.flow.hold(bool(self._kept))

    def _is_answering(self) -> bool:
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _parse(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        cycle = self.cycle
        if cycle is before and (cycle is None or cycle.response_complete):  # no head is complete yet
            if cycle is None or not cycle.more_body:
                self._head_bytes += len(data)
                if self._head_bytes > self._limits.header_bytes:
                    self._refuse(431)
        else:
            limit = self._limits.header_bytes
            if self._head_bytes + len(data) > limit and _head_size(cycle.scope) > limit:
                self._refuse(431)
            self._head_bytes = 0
            if not cycle.more_body:
                self._waiting_since = None
                return
        if self._waiting_since is None:
            self._waiting_since = self.loop.time()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer what has been asked before closing: a client may close its side as soon as it has asked."""
        cycle = self.cycle
        waiting = cycle is not None and not cycle.response_complete
        if self._head_bytes or (waiting and cycle.more_body):
            self._refuse(400)
            return False
        self._ending = waiting and self.scheme == "http"  # asyncio cannot keep one side of TLS open
        return self._ending

    def on_response_complete(self) -> None:
        """Go on with what is kept, or close behind the last answer if nothing more is to come."""
        super().on_response_complete()
        if self._kept and not self._is_answering():
            self._read_on()
        if self._ending and self.cycle.response_complete:
            if self._malformed:
                self._refuse(400)
            self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's text
        """Refuse what is no HTTP, in the form of the service's errors; requests before it are answered first."""
        if self._is_answering():
            self._ending = self._malformed = True
        else:
            self._refuse(400)

    def shutdown(self) -> None:
        """Close as soon as nothing is under way, as the service ends."""
        super().shutdown()
        if self.scheme == "https" and self.transport.is_closing():
            # TLS waits for the client's farewell, and an idle client does not look.
            self.loop.call_later(_FAREWELL_SECONDS, self.transport.abort)

    def sweep(self, now: float) -> None:
        """End the connection if its client is too slow; ``now`` is the event loop's time."""
        if self.transport is None or self.transport.is_closing():
            return
        if self._waiting_since is not None and now - self._waiting_since > self._limits.request_seconds:
            self._refuse(408)
        if not self.flow.write_paused:
            self._stalled_since = None
        elif self._stalled_since is None:
            self._stalled_since = now
        elif now - self._stalled_since > self._limits.request_seconds:
            self.transport.abort()  # it would wait for the client to take what is still in the buffer

    def _refuse(self, status: int) -> None:
        """Answer and close, unless an answer is under way already."""
        cycle = self.cycle
        if cycle is None or not cycle.response_started or cycle.response_complete:
            self.transport.write(_refusal(status))
        self.transport.close()


def abort(send: Any) -> None:
    """Close the connection of the request that the ASGI callable ``send`` would answer, at once."""
    send.__self__.transport.abort()


def _head_size(scope: Mapping[str, Any]) -> int:
    return len(scope["path"]) + len(scope["query_string"]) + sum(len(n) + len(v) for n, v in scope["headers"])


def _refusal(status: int) -> bytes:
    code, text = _REFUSALS[status]
    body = json.dumps({"__type": FRAMEWORK + code, "message": text}).encode()
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nx-amzn-requestid: {ids.request_id()}\r\n"
        "content-type: application/x-amz-json-1.0\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
