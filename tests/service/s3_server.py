"""As much of S3 as jobs need, over real HTTP on loopback: objects by path, errors in XML, signatures looked at."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Bucket:
    """What the server holds, and what was asked of it."""

    url: str
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    refusal: tuple[int, str] | None = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the second part of an answer would wait for the acknowledgement of the first
    server: "_Server"

    def do_GET(self) -> None:
        bucket = self._noted("GET")
        if bucket.refusal is not None:
            self._fail(*bucket.refusal)
        elif self.path not in bucket.objects:
            self._fail(404, "NoSuchKey")
        else:
            self._answer(200, bucket.objects[self.path])

    def do_PUT(self) -> None:
        bucket = self._noted("PUT")
        content = self.rfile.read(int(self.headers["content-length"]))
        if bucket.refusal is not None:
            self._fail(*bucket.refusal)
            return
        chunked = "aws-chunked" in self.headers.get("content-encoding", "")
        bucket.objects[self.path] = unchunked(content) if chunked else content
        self._answer(200, b"")

    def _noted(self, method: str) -> Bucket:
        self.server.bucket.requests.append((method, self.path, dict(self.headers)))
        return self.server.bucket

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _fail(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


def unchunked(raw: bytes) -> bytes:
    """Take apart AWS's own chunks, which carry a checksum at their end."""
    content = b""
    while raw:
        head, _, raw = raw.partition(b"\r\n")
        size = int(head.partition(b";")[0], 16)
        if size == 0:
            break
        content, raw = content + raw[:size], raw[size + 2 :]
    return content


class _Server(ThreadingHTTPServer):
    bucket: Bucket


@contextmanager
def s3_server() -> Iterator[Bucket]:
    """Serve for the time of the block; ``refusal`` of the result makes every request fail."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.bucket = Bucket(f"http://127.0.0.1:{server.server_address[1]}")
    runner = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    runner.start()
    try:
        yield server.bucket
    finally:
        server.shutdown()
        runner.join()
        server.server_close()
