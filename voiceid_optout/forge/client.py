"""The REST API of GitHub: where it is, who we are there, one connection, and retries that wait as they are asked.

What the workflow's event is about comes from the environment too, as the token does.
"""

from __future__ import annotations

import json
import re
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader, MaxRetryError, ResponseError

from voiceid_optout.files import read_json
from voiceid_optout.forge import CallPurpose, OptionInvalid, UnexpectedAnswer, Unreachable, content, failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from urllib3.response import BaseHTTPResponse


_TRANSIENT = (500, 502, 503, 504)
_ANNOUNCED_FROM = 3.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """``tries`` counts retries; times are in seconds. ``say`` gets a line for each wait that people notice."""

    tries: int = 5
    first_wait: float = 0.5
    longest_wait: float = 120.0
    say: Callable[[str], None] | None = None


class PacedRetry(urllib3.Retry):
    """urllib3's retries with GitHub's habits: a secondary rate limit is a 403 with Retry-After.

    Every method is tried again, POST too: if a create happened although its answer was lost, the second copy is
    found and removed afterwards (see :mod:`voiceid_optout.forge.posts`).
    """

    RETRY_AFTER_STATUS_CODES = frozenset({403, 413, 429, 503})
    retry_policy: RetryPolicy = RetryPolicy()

    @classmethod
    def of(cls, retry_policy: RetryPolicy) -> Self:
        """Return the retries of one call."""
        retries = cls(
            total=retry_policy.tries,
            allowed_methods=None,
            status_forcelist=_TRANSIENT,
            backoff_factor=retry_policy.first_wait,
            raise_on_status=False,
        )
        retries.retry_policy = retry_policy
        return retries

    def new(self, **changed: Any) -> Self:
        """Copy, as the base class does before each try."""
        copy = super().new(**changed)
        copy.retry_policy = self.retry_policy
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
        if response is not None and (self.get_retry_after(response) or 0) > self.retry_policy.longest_wait:
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
        if seconds >= _ANNOUNCED_FROM and self.retry_policy.say is not None:
            self.retry_policy.say(f"waiting {seconds:,.0f} s, as GitHub asks")
        return super().sleep_for_retry(response)


API_VERSION = "2022-11-28"
_TIMEOUT = urllib3.Timeout(connect=10.0, read=30.0)
_PAGE = 100
_MOST_PAGES = 1_000  # a server that links in circles must not hold a job for ever
_WHO = CallPurpose("asking whose token this is", "user of this token", "contents: read")


class GitHub:
    """One repository. Use it in a ``with`` block; not for several threads."""

    def __init__(self, settings: GitHubSettings, retry_policy: RetryPolicy | None = None) -> None:
        self._settings = settings
        self._host = urlsplit(settings.api_url).netloc
        self._retries = PacedRetry.of(retry_policy or RetryPolicy())
        self._http = _pool(settings.api_url)
        self._login: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.clear()

    @property
    def repository(self) -> str:
        """``owner/name``."""
        return self._settings.repository

    def login(self) -> str:
        """Return the name under which the token's posts appear, such as ``github-actions[bot]``.

        Only GraphQL tells it to every kind of token: a workflow's own may not read REST's ``/user``.
        """
        if self._login is None:
            login = inside(self.query("{viewer{login}}", {}, _WHO), "viewer", "login")
            if not isinstance(login, str):
                raise UnexpectedAnswer(
                    "GitHub does not say whose token GITHUB_TOKEN is: is GITHUB_GRAPHQL_URL right?"
                )
            self._login = login
        return self._login

    def query(self, text: str, variables: Mapping[str, str], purpose: CallPurpose) -> Any:
        """Ask GraphQL what REST does not tell; return its data, which lacks what the token may not see."""
        content = {"query": text, "variables": variables}
        return inside(self._send("POST", self._settings.graphql_url, content, purpose)[1], "data")

    def call(self, method: str, path: str, purpose: CallPurpose, body: Mapping[str, Any] | None = None) -> Any:
        """Do one request on the repository and return its JSON, None without any; raises ForgeError."""
        return self._send(method, self._url(path), body, purpose)[1]

    def items(self, path: str, purpose: CallPurpose) -> Iterator[Mapping[str, Any]]:
        """Yield the objects of a list from all of its pages."""
        url: str | None = f"{self._url(path)}{'&' if '?' in path else '?'}per_page={_PAGE}"
        for _ in range(_MOST_PAGES):
            if url is None:
                return
            headers, page = self._send("GET", url, None, purpose)
            if not isinstance(page, list) or not all(isinstance(item, dict) for item in page):
                raise UnexpectedAnswer(f"no list came back while {purpose.doing}: is GITHUB_API_URL right?")
            yield from page
            url = self._next(headers.get("Link", ""), purpose)
        raise UnexpectedAnswer(f"the pages do not end while {purpose.doing}")

    def _next(self, links: str, purpose: CallPurpose) -> str | None:
        """Return the next page's address from a Link header; the token goes to no other host than the API's."""
        for link in links.split(","):
            address, _, parameters = link.strip().partition(">")
            if 'rel="next"' in parameters:
                url = address.removeprefix("<")
                if urlsplit(url).netloc != self._host:
                    raise UnexpectedAnswer(f"the next page is on another host while {purpose.doing}")
                return url
        return None

    def _url(self, path: str) -> str:
        return f"{self._settings.api_url}/repos/{self._settings.repository}{path}"

    def _send(
        self, method: str, url: str, body: Mapping[str, Any] | None, purpose: CallPurpose
    ) -> tuple[Mapping[str, str], Any]:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._settings.token}",
            "User-Agent": "voiceid-optout",
            "X-GitHub-Api-Version": API_VERSION,
        }
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = self._http.request(
                method, url, body=data, headers=headers, retries=self._retries, timeout=_TIMEOUT
            )
        except HTTPError as error:
            raise Unreachable(f"no answer from {self._host} while {purpose.doing}: {_reason(error)}") from None
        with closing(answer):
            if not 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's numbers are their own names
                raise failure(answer.status, answer.headers, answer.data, purpose)
            return answer.headers, content(answer.data, purpose)


def _pool(url: str) -> urllib3.PoolManager:
    """Return connections that go through the proxy the environment names, if it names one for this host."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()


def _reason(error: HTTPError) -> str:
    """Return what is wrong in a few words; the library's own text holds addresses of objects."""
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(cause).__name__).lower()


def inside(answer: Any, *keys: str) -> Any:
    """Return what lies under these keys, None where one of them is missing."""
    for key in keys:
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer


TOKEN_VARIABLE = "GITHUB_TOKEN"  # noqa: S105 - a name, not a token
PUBLIC_API = "https://api.github.com"
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class GitHubSettings:
    """``api_url`` and ``graphql_url`` have no slash at the end; ``repository`` is ``owner/name``."""

    api_url: str
    graphql_url: str
    repository: str
    token: str = field(repr=False)

    @classmethod
    def resolve(cls, environ: Mapping[str, str], repository: str | None = None) -> Self:
        """Read what a workflow sets: GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_GRAPHQL_URL.

        ``repository`` wins over the variable. Raises OptionInvalid, without ever naming the token.
        """
        api_url = (environ.get("GITHUB_API_URL") or PUBLIC_API).rstrip("/")
        graphql_url = environ.get("GITHUB_GRAPHQL_URL") or _graphql_beside(api_url)
        for name, url in (("GITHUB_API_URL", api_url), ("GITHUB_GRAPHQL_URL", graphql_url)):
            _check_url(name, url)
        repository = repository or environ.get("GITHUB_REPOSITORY") or ""
        if not _REPOSITORY.fullmatch(repository):
            raise OptionInvalid("which repository? set GITHUB_REPOSITORY, or pass --repo, as owner/name")
        return cls(api_url, graphql_url.rstrip("/"), repository, _token(environ))


@dataclass(frozen=True, slots=True)
class Event:
    """What a workflow runs for. ``head`` is the commit people see in the pull request, not the trial merge."""

    pull_request: int | None = None
    head: str | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Read the file GITHUB_EVENT_PATH; an event without a pull request, or no file, gives an empty one."""
        path = environ.get("GITHUB_EVENT_PATH")
        if not path:
            return cls()
        try:
            content = read_json(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OptionInvalid("the file GITHUB_EVENT_PATH names cannot be read: pass --pr NUMBER") from error
        pull_request = content.get("pull_request") if isinstance(content, dict) else None
        if not isinstance(pull_request, dict):
            return cls()
        number, head = pull_request.get("number"), inside(pull_request, "head", "sha")
        return cls(number if isinstance(number, int) else None, head if isinstance(head, str) else None)


def run_url(environ: Mapping[str, str]) -> str | None:
    """Return the address of the workflow run under way, or None outside of a workflow."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (environ.get(name, "") for name in names)
    if not (server and _REPOSITORY.fullmatch(repository) and run.isdecimal()):
        return None
    return f"{server.rstrip('/')}/{repository}/actions/runs/{run}"


def commit(text: str) -> str:
    """Return a full commit id in lower case; raises OptionInvalid for anything else."""
    if not _COMMIT.fullmatch(text.lower()):
        raise OptionInvalid("--commit takes a full commit id of 40 (or 64) hexadecimal digits")
    return text.lower()


def _graphql_beside(api_url: str) -> str:
    """GitHub Enterprise Server has /api/v3 and /api/graphql, github.com has / and /graphql."""
    return f"{api_url.removesuffix('/v3')}/graphql"


def _check_url(name: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.hostname is not None and parts.username is None and parts.port != 0
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    except ValueError:
        usable = safe = False
    if not (usable and safe):
        raise OptionInvalid(f"{name} is no https URL: the token would travel in clear")


def _token(environ: Mapping[str, str]) -> str:
    token = environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise OptionInvalid(
            f"no {TOKEN_VARIABLE}: in a workflow, set `env: {TOKEN_VARIABLE}: ${{{{ github.token }}}}` on the step"
        )
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise OptionInvalid(f"{TOKEN_VARIABLE} is no token: it holds a space, a line break or the like")
    return token
