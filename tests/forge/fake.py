"""A GitHub on loopback: comments, issues, pull requests, pages, tokens, permissions and trouble on demand."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = "example/register"
BOT = "github-actions[bot]"
TOKEN = "ghs_planted0123456789"
LONGEST = 65_536
HEAD = "1" * 40
MERGE = "2" * 40


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Fake:
    """``trouble`` holds answers to be given instead of true ones; ``before`` is called with each request."""

    url: str = ""
    tokens: dict[str, str] = field(default_factory=lambda: {TOKEN: BOT})
    read_only: bool = False
    trouble: list[Answer] = field(default_factory=list)
    before: Callable[[str, str], None] = lambda _method, _path: None
    calls: list[tuple[str, str]] = field(default_factory=list)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    edits: dict[int, str | None] = field(default_factory=dict)  # who edited a comment last
    hidden: tuple[str, ...] = ()  # what GraphQL leaves out of a comment
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    largest_page: int = 100
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def environment(self) -> dict[str, str]:
        return {
            "GITHUB_API_URL": self.url,
            "GITHUB_GRAPHQL_URL": f"{self.url}/graphql",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
        }

    def writes(self) -> list[str]:
        return [method for method, path in self.calls if method != "GET" and path != "/graphql"]

    def add_comment(self, pull: int, body: str, author: str | None = BOT) -> int:
        id_ = next(self.numbers)
        self.comments[id_] = {
            "id": id_,
            "pull": pull,
            "body": body,
            "user": None if author is None else {"login": author},
            "node_id": f"IC_{id_}",
            "html_url": f"https://github.com/{REPOSITORY}/pull/{pull}#issuecomment-{id_}",
        }
        return id_

    def edit_comment(self, id_: int, body: str, editor: str | None) -> None:
        """Edit as a person on the page, or another token, does; None is an account that is gone by now.

        REST tells nothing of who did it. A text that is the same again is no edit.
        """
        if self.comments[id_]["body"] != body:
            self.comments[id_]["body"] = body
            self.edits[id_] = editor

    def add_issue(self, title: str, body: str, author: str = BOT, **more: Any) -> int:
        number = next(self.numbers)
        self.issues[number] = {
            "number": number,
            "title": title,
            "body": body,
            "state": "open",
            "user": {"login": author},
            "html_url": f"https://github.com/{REPOSITORY}/issues/{number}",
            **more,
        }
        return number

    def add_pull(self, number: int = 7, **more: Any) -> int:
        self.pulls[number] = {
            "number": number,
            "head": {"sha": HEAD},
            "merged_at": "2026-03-02T10:00:00Z",
            "merge_commit_sha": MERGE,
            **more,
        }
        return number

    def bodies(self, pull: int = 7) -> list[str]:
        return [comment["body"] for comment in self.comments.values() if comment["pull"] == pull]

    def answer(self, method: str, target: str, token: str, body: Any) -> Answer:
        path = urlsplit(target).path
        self.calls.append((method, path))
        self.before(method, path)
        if self.trouble:
            return self.trouble.pop(0)
        if token not in self.tokens:
            return Answer(401, {"message": "Bad credentials"})
        if path == "/graphql":
            return self._graphql(body, token)
        if not path.startswith(f"/repos/{REPOSITORY}/"):
            return Answer(404, {"message": "Not Found"})
        if self.read_only and method != "GET":
            return Answer(403, {"message": "Resource not accessible by integration"})
        return self._routed(method, path.removeprefix(f"/repos/{REPOSITORY}"), target, token, body)

    def _graphql(self, body: Any, token: str) -> Answer:
        if "viewer" in body["query"]:
            return Answer(200, {"data": {"viewer": {"login": self.tokens[token]}}})
        id_ = int(body["variables"]["id"].removeprefix("IC_"))
        if id_ not in self.comments:
            return Answer(200, {"data": {"node": None}, "errors": [{"type": "NOT_FOUND", "path": ["node"]}]})
        comment = self.comments[id_]
        node = {
            "body": comment["body"],
            "author": _actor(comment["user"] and comment["user"]["login"]),
            "lastEditedAt": "2026-03-02T09:00:00Z" if id_ in self.edits else None,
            "editor": _actor(self.edits.get(id_)),
        }
        return Answer(200, {"data": {"node": {key: node[key] for key in node if key not in self.hidden}}})

    def _routed(self, method: str, path: str, target: str, token: str, body: Any) -> Answer:
        if isinstance(body, dict) and len(body.get("body", "")) > LONGEST:
            error = {"resource": "IssueComment", "code": "unprocessable", "message": "body is too long"}
            return Answer(422, {"message": "Validation Failed", "errors": [error]})
        author = self.tokens[token]
        match method, *re.split(r"/", path)[1:]:
            case "GET", "issues", number, "comments" if int(number) in self.pulls:
                return self._page(target, [item for item in self.comments.values() if item["pull"] == int(number)])
            case "POST", "issues", number, "comments" if int(number) in {*self.pulls, *self.issues}:
                return Answer(201, self.comments[self.add_comment(int(number), body["body"], author)])
            case "PATCH", "issues", "comments", id_ if int(id_) in self.comments:
                self.edit_comment(int(id_), body["body"], author)
                return Answer(200, self.comments[int(id_)])
            case "DELETE", "issues", "comments", id_ if int(id_) in self.comments:
                del self.comments[int(id_)]
                return Answer(204)
            case "GET", "issues":
                return self._page(target, [item for item in self.issues.values() if item["state"] == "open"])
            case "POST", "issues":
                return Answer(201, self.issues[self.add_issue(body["title"], body["body"], author)])
            case "PATCH", "issues", number if int(number) in self.issues:
                self.issues[int(number)].update(body)
                return Answer(200, self.issues[int(number)])
            case "GET", "commits", _, "pulls":
                return self._page(target, [*self.pulls.values()])
        return Answer(404, {"message": "Not Found"})

    def _page(self, target: str, items: list[dict[str, Any]]) -> Answer:
        query = {key: values[0] for key, values in parse_qs(urlsplit(target).query).items()}
        size = min(int(query.get("per_page", 30)), self.largest_page)
        page = int(query.get("page", 1))
        headers = {}
        if page * size < len(items):
            address = f"{self.url}{urlsplit(target).path}?per_page={size}&page="
            headers["Link"] = f'<{address}1>; rel="first", <{address}{page + 1}>; rel="next"'
        return Answer(200, items[(page - 1) * size : page * size], headers)


def _actor(login: str | None) -> dict[str, str] | None:
    """Return an account as GraphQL has it, where a bot's login has no mark and its type tells it apart."""
    if login is None:
        return None
    return {"__typename": "Bot" if login.endswith("[bot]") else "User", "login": login.removesuffix("[bot]")}


@contextmanager
def github() -> Iterator[Fake]:
    """Serve a GitHub on loopback."""
    fake = Fake()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer: two would wait for each other's acknowledgement

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            with lock:
                answer = fake.answer(self.command, self.path, token, body)
            raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            raw = b"" if answer.body is None else raw
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815 - the base class's names

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as http:
        fake.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            http.shutdown()
            thread.join()
