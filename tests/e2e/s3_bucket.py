"""As much of S3 as a state needs, over real HTTP on loopback: objects, listings, copies and deletions by path."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.service.s3_server import unchunked

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "/states/"
_WHEN = "2026-03-02T08:00:00.000Z"
_HTTP_WHEN = "Mon, 02 Mar 2026 08:00:00 GMT"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the second part of an answer would wait for the acknowledgement of the first
    server: _Server

    def do_HEAD(self) -> None:
        self._object(with_body=False)

    def do_GET(self) -> None:
        if self._key:
            self._object(with_body=True)
        else:
            self._list()

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        if source := self.headers.get("x-amz-copy-source"):
            copied = self.server.objects.get(unquote(source).lstrip("/").partition("/")[2])
            if copied is None:
                self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
                return
            self.server.objects[self._key] = copied
            self._answer(
                200, f"<CopyObjectResult><ETag>x</ETag><LastModified>{_WHEN}</LastModified></CopyObjectResult>"
            )
            return
        chunked = "aws-chunked" in self.headers.get("content-encoding", "")
        self.server.writes.append(self._key)
        self.server.objects[self._key] = unchunked(content) if chunked else content
        self._answer(200, b"")

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._key, None)
        self._answer(204, b"")

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix(BUCKET.rstrip("/")).lstrip("/")

    def _object(self, *, with_body: bool) -> None:
        content = self.server.objects.get(self._key)
        if content is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>" if with_body else b"")
        else:
            self._answer(200, content, with_body=with_body)

    def _list(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        files, folders = [], set()
        for key, content in sorted(self.server.objects.items()):
            if not key.startswith(prefix):
                continue
            rest = key[len(prefix) :]
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
            else:
                files.append(
                    f"<Contents><Key>{escape(key)}</Key><LastModified>{_WHEN}</LastModified>"
                    f"<ETag>{_etag(content)}</ETag><Size>{len(content)}</Size></Contents>"
                )
        common = "".join(
            f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in sorted(folders)
        )
        body = f"<IsTruncated>false</IsTruncated>{''.join(files)}{common}"
        self._answer(200, f"<ListBucketResult>{body}</ListBucketResult>")

    def _answer(self, status: int, content: bytes | str, *, with_body: bool = True) -> None:
        raw = content.encode() if isinstance(content, str) else content
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("ETag", _etag(raw))
        self.send_header("Last-Modified", _HTTP_WHEN)
        self.end_headers()
        if with_body:
            self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


def _etag(content: bytes) -> str:
    return f'"{md5(content, usedforsecurity=False).hexdigest()}"'


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    objects: dict[str, bytes]
    writes: list[str]

    @property
    def url(self) -> str:
        """The bucket as PULUMI_BACKEND_URL has it."""
        port = self.server_address[1]
        return f"s3:/{BUCKET[:-1]}?endpoint=http://127.0.0.1:{port}&region=us-east-1&s3ForcePathStyle=true"


@contextmanager
def s3_bucket() -> Iterator[_Server]:
    """Serve an empty bucket for the time of the block."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.objects, server.writes = {}, []
    runner = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    runner.start()
    try:
        yield server
    finally:
        server.shutdown()
        runner.join()
        server.server_close()
