"""Uvicorn's protocol on httptools, which reads a request that offers another protocol as the request it is.

RFC 9110, 7.8: a server may ignore Upgrade. The parser does not: it ends behind such a head and takes what follows
for the other protocol. So a new parser gets the head without the offer, and then the rest. A module of its own,
because not every platform has httptools.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_OFFER = b"upgrade"


class Protocol(HttpToolsProtocol):
    """One connection."""

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
        """Read the head again, without the offer; raises HttpParserError for CONNECT, which is nothing but one."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            raise httptools.HttpParserError
        kept = b"".join(b"%s: %s\r\n" % header for header in self.headers if header[0] != _OFFER)
        offers = tuple(header for header in self.headers if header[0] == _OFFER)
        head = b"%s %s HTTP/%s\r\n%s\r\n" % (method, self.url, version, kept)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._offers = offers
        self.parser.feed_data(head)
