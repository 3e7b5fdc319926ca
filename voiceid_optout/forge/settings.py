"""Where the forge is, who we are there, and what the workflow's event is about."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from voiceid_optout.forge.errors import SettingsInvalid
from voiceid_optout.limits import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_VARIABLE = "GITHUB_TOKEN"  # noqa: S105 - a name, not a token
PUBLIC_API = "https://api.github.com"
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Settings:
    """``api_url`` and ``graphql_url`` have no slash at the end; ``repository`` is ``owner/name``."""

    api_url: str
    graphql_url: str
    repository: str
    token: str = field(repr=False)

    @classmethod
    def resolve(cls, environ: Mapping[str, str], repository: str | None = None) -> Self:
        """Read what a workflow sets: GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_GRAPHQL_URL.

        ``repository`` wins over the variable. Raises SettingsInvalid, without ever naming the token.
        """
        api_url = (environ.get("GITHUB_API_URL") or PUBLIC_API).rstrip("/")
        graphql_url = environ.get("GITHUB_GRAPHQL_URL") or _graphql_beside(api_url)
        for name, url in (("GITHUB_API_URL", api_url), ("GITHUB_GRAPHQL_URL", graphql_url)):
            _check_url(name, url)
        repository = repository or environ.get("GITHUB_REPOSITORY") or ""
        if not _REPOSITORY.fullmatch(repository):
            raise SettingsInvalid("which repository? set GITHUB_REPOSITORY, or pass --repo, as owner/name")
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
            raise SettingsInvalid("the file GITHUB_EVENT_PATH names cannot be read: pass --pr NUMBER") from error
        pull_request = content.get("pull_request") if isinstance(content, dict) else None
        if not isinstance(pull_request, dict):
            return cls()
        number, head = pull_request.get("number"), _inside(pull_request, "head", "sha")
        return cls(number if isinstance(number, int) else None, head if isinstance(head, str) else None)


def run_url(environ: Mapping[str, str]) -> str | None:
    """Return the address of the workflow run under way, or None outside of a workflow."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (environ.get(name, "") for name in names)
    if not (server and _REPOSITORY.fullmatch(repository) and run.isdecimal()):
        return None
    return f"{server.rstrip('/')}/{repository}/actions/runs/{run}"


def commit(text: str) -> str:
    """Return a full commit id in lower case; raises SettingsInvalid for anything else."""
    if not _COMMIT.fullmatch(text.lower()):
        raise SettingsInvalid("--commit takes a full commit id of 40 (or 64) hexadecimal digits")
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
        raise SettingsInvalid(f"{name} is no https URL: the token would travel in clear")


def _token(environ: Mapping[str, str]) -> str:
    token = environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise SettingsInvalid(
            f"no {TOKEN_VARIABLE}: in a workflow, set `env: {TOKEN_VARIABLE}: ${{{{ github.token }}}}` on the step"
        )
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise SettingsInvalid(f"{TOKEN_VARIABLE} is no token: it holds a space, a line break or the like")
    return token


def _inside(content: Any, *keys: str) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content
