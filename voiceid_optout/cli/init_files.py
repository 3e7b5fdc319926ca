"""What ``optout init`` writes: the answers, their checks, and the files that they make of the templates.

The templates are in ``voiceid_optout/templates``, as ``<<name>>`` with a value for each name. An answer is checked
before it gets into a file, wherever it came from: a question, an option, or the record of an earlier run, which
anybody may have changed.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from importlib.metadata import version
from importlib.resources import files as resources
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import yaml

from voiceid_optout.cli.context import REMOTE, SHIPPED_SALT
from voiceid_optout.cli.options import DEFAULT_STACK
from voiceid_optout.register.fields import schema_text
from voiceid_optout.speakers import DOMAIN_ID
from voiceid_optout.state.project import name_problem
from voiceid_optout.state.stack_file import scalar
from voiceid_optout.voiceid.settings import clear_text_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PACKAGE = "voiceid-optout"
PRODUCTION, SANDBOX_STACK = "production", DEFAULT_STACK
SANDBOX_DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
DEFAULT_REGION = "us-east-1"
REGISTER = "config/people.yaml"


class Forge(StrEnum):
    """Where the register's repository is, and so which pipeline it gets."""

    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


class AnswerInvalid(ValueError):  # noqa: N818 - a verdict, as ConfigInvalid
    """An answer that cannot be used: the name of its field, and why."""

    def __init__(self, name: str, problem: str) -> None:
        self.name, self.problem = name, problem
        super().__init__(f"{option(name)}: {problem}")


@dataclass(frozen=True, slots=True)
class Answers:
    """What a repository is made of. Raises :class:`AnswerInvalid`.

    ``endpoint`` is None for a sandbox alone. ``backend`` is the URL of the state, empty for the project's folder.
    ``workflows`` is ``OWNER/NAME@COMMIT`` of the pipeline to call, with the version of that commit.
    """

    name: str
    stack: str
    region: str
    domain_id: str
    endpoint: str | None = None
    forge: Forge = Forge.NONE
    backend: str = ""
    workflows: str = ""
    workflows_version: str = ""
    owners: str = ""
    branch: str = "main"

    def __post_init__(self) -> None:
        """Check each answer by itself, and what one asks of another."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value and (problem := check(field.name, value)) is not None:
                raise AnswerInvalid(field.name, problem)
        for name in ("name", "stack", "region", "domain_id", "branch"):
            if not getattr(self, name):
                raise AnswerInvalid(name, "is missing")
        if self.forge is not Forge.NONE and not self.workflows:
            raise AnswerInvalid("workflows", "is missing: which commit of the pipeline is called")
        if self.forge is Forge.GITHUB and self.workflows.count("/") > 1:
            raise AnswerInvalid("workflows", "on GitHub it is OWNER/NAME@COMMIT")

    @classmethod
    def parse(cls, given: object) -> Self:
        """Read the answers of a record; raises :class:`AnswerInvalid`."""
        known = {field.name for field in fields(cls)}
        if not isinstance(given, dict) or not given.keys() <= known:
            raise AnswerInvalid("answers", f"are not those of {PACKAGE} {current_version()}")
        texts = {name: value for name, value in given.items() if isinstance(value, str)}
        if len(texts) < len(given) - (given.get("endpoint", "") is None):
            raise AnswerInvalid("answers", "are no texts")
        forge = texts.get("forge", Forge.NONE)
        if (problem := check("forge", forge)) is not None:
            raise AnswerInvalid("forge", problem)
        values: dict[str, Any] = dict.fromkeys(("name", "stack", "region", "domain_id"), "")
        return cls(**{**values, **texts, "forge": Forge(forge)})

    def document(self) -> dict[str, Any]:
        """Return them for a record."""
        return asdict(self)

    @property
    def is_sandbox(self) -> bool:
        """Whether the stack brings its own service."""
        return self.endpoint is None


def option(name: str) -> str:
    """Return the option that gives an answer."""
    return f"--{name.replace('_', '-')}"


def check(name: str, value: str) -> str | None:
    """Return why a text cannot be the answer of that name, or None."""
    return _CHECKS[name](value)


def _like(pattern: str, words: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern)
    return lambda value: None if compiled.fullmatch(value) else words


def _stack(value: str) -> str | None:
    return "it must not begin with a hyphen" if value.startswith("-") else name_problem(value)


_URL = re.compile(r"[a-z][a-z0-9]*://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_MOST_URL = 500


def _parts(value: str) -> tuple[str, str, bool] | None:
    """Return scheme and host of a URL, and whether it carries a password; None for what is none."""
    if len(value) > _MOST_URL or not _URL.fullmatch(value):
        return None
    try:
        parts = urlsplit(value)
        _ = parts.port  # raises for what is no port
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", parts.password is not None


def _endpoint(value: str) -> str | None:
    parts = _parts(value)
    if parts is None or parts[0] not in ("http", "https") or not parts[1] or "@" in value:
        return "give an http(s) URL, without a user, such as https://voiceid.example.org"
    return clear_text_fault(value, "--endpoint", allowed=False)


def _backend(value: str) -> str | None:
    parts = _parts(value)
    if parts is None or parts[0] not in ("file", *REMOTE):
        return f"give a URL of {', '.join(f'{scheme}://' for scheme in ('file', *REMOTE))}"
    return "leave the password out: the repository would carry it" if parts[2] else None


_CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "name": name_problem,
    "stack": _stack,
    "region": _like(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", "give a region such as us-east-1"),
    "domain_id": _like(DOMAIN_ID.pattern, "a domain's id has 22 letters and digits"),
    "endpoint": _endpoint,
    "forge": _like("|".join(Forge), f"it is one of {', '.join(Forge)}"),
    "backend": _backend,
    "workflows": _like(
        r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,99}/){1,9}[A-Za-z0-9_][A-Za-z0-9._-]{0,99}@[0-9a-f]{40}",
        "give OWNER/NAME@COMMIT with all 40 digits of the commit: a tag or a branch can be moved",
    ),
    "workflows_version": _like(r"[0-9A-Za-z.+-]{1,50}", "that is no version"),
    "owners": _like(
        r"@[A-Za-z0-9][A-Za-z0-9._/-]{0,99}(?: @[A-Za-z0-9][A-Za-z0-9._/-]{0,99}){0,9}",
        "give users or teams such as '@example/privacy @example/platform'",
    ),
    "branch": _like(
        r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}", "a branch here has letters, digits, `.`, `_`, `/` and `-`"
    ),
}


def current_version() -> str:
    """Return the version of the package, which is that of its templates."""
    return version(PACKAGE)


_PIPELINES: Mapping[Forge, tuple[tuple[str, str], ...]] = {
    Forge.GITHUB: (
        *((f".github/workflows/{name}.yml", f"{name}.yml") for name in ("preview", "up", "drift")),
        (".github/CODEOWNERS", "CODEOWNERS"),
    ),
    Forge.GITLAB: ((".gitlab-ci.yml", "gitlab-ci.yml"), ("CODEOWNERS", "CODEOWNERS")),
    Forge.NONE: (),
}


def stack_file(answers: Answers) -> str:
    """Return what the stack file is called."""
    return f"Pulumi.{answers.stack}.yaml"


def render(answers: Answers) -> dict[str, str]:
    """Return the texts of all files by their paths, with ``/``; the stack file is not sealed yet."""
    sandbox = answers.is_sandbox
    templates = {
        "Pulumi.yaml": "Pulumi.yaml",
        "__main__.py": "main.py",
        stack_file(answers): "sandbox.yaml" if sandbox else "stack.yaml",
        REGISTER: "people-sandbox.yaml" if sandbox else "people.yaml",
        ".gitignore": "gitignore",
        ".pre-commit-config.yaml": "pre-commit-config.yaml",
        "requirements.txt": "requirements.txt",
        "README.md": "README.md",
        **dict(_PIPELINES[answers.forge]),
    }
    values = _values(answers)
    made = {path: _filled(template, values) for path, template in templates.items()}
    return {**made, "config/optouts.schema.json": schema_text()}


def yours(answers: Answers) -> frozenset[str]:
    """Return the files that belong to the register's owners from the first moment on: no upgrade looks at them."""
    return frozenset({stack_file(answers), REGISTER})


def _filled(template: str, values: Mapping[str, str]) -> str:
    text = (resources("voiceid_optout") / "templates" / f"{template}.template").read_text(encoding="utf-8")
    return re.sub(r"<<([a-z_]+)>>", lambda match: values[match[1]], text)


def _scalar(text: str) -> str:
    """Return a text as YAML that every reader takes for this text: some still read `Yes` as true."""
    return text if scalar(text) == text == yaml.safe_load(text) else json.dumps(text)


def _values(answers: Answers) -> dict[str, str]:
    repository, _, commit = answers.workflows.partition("@")
    is_github = answers.forge is Forge.GITHUB
    values = {
        "project": _scalar(answers.name),
        "prefix": answers.name,
        "stack": answers.stack,
        "endpoint": _scalar(answers.endpoint or ""),
        "region": _scalar(answers.region),
        "domain_id": _scalar(answers.domain_id),
        "salt": SHIPPED_SALT,
        "version": current_version(),
        "extra": "[service]" if answers.is_sandbox else "",
        "workflows_repository": repository,
        "workflows_commit": commit,
        "workflows_version": answers.workflows_version or current_version(),
        "branch": _scalar(answers.branch),
        "mark": "" if answers.owners else "# ",
        "owners": answers.owners or "@OWNER/TEAM",
        "owners_note": "" if answers.owners else " Put your teams in, and take the marks away.",
        "pipeline": "/.github/" if is_github else "/.gitlab-ci.yml",
        "codeowners": "/.github/CODEOWNERS" if is_github else "/CODEOWNERS",
        "stack_option": "" if answers.stack == SANDBOX_STACK else f" --stack {answers.stack}",
        "where": "a sandbox with a service of its own"
        if answers.is_sandbox
        else f"the service at {answers.endpoint}",
        "variables": "".join(f"$ {line}\n" for line in exports(answers)),
    }
    values["state_step"] = _state_step(answers)
    values["forge_rows"] = "".join(f"| {row} |\n" for row in _forge_rows(answers))
    section = "" if answers.forge is Forge.NONE else _filled(f"readme-{answers.forge}.md", values)
    return {**values, "forge_section": section}


def exports(answers: Answers) -> list[str]:
    """Return what a shell needs to know before a run of the stack."""
    if answers.is_sandbox:
        return []
    state = [f"export PULUMI_BACKEND_URL={shlex.quote(answers.backend)}"] if answers.backend else []
    return ["export PULUMI_CONFIG_PASSPHRASE=...", *state]


def _forge_rows(answers: Answers) -> Iterator[str]:
    if answers.forge is Forge.GITHUB:
        yield "`.github/workflows/` | call the pipeline of voiceid-optout, at one commit"
        yield "`.github/CODEOWNERS` | who must approve a change of what"
    elif answers.forge is Forge.GITLAB:
        yield "`.gitlab-ci.yml` | includes the pipeline of voiceid-optout, at one commit"
        yield "`CODEOWNERS` | who must approve a change of what"


def _state_step(answers: Answers) -> str:
    """Return where the pipeline finds the state: a step of the setting up."""
    variable = "CI variable `PULUMI_BACKEND_URL`"
    if answers.forge is Forge.GITHUB:
        variable = "repository variable `OPTOUT_BACKEND_URL`"
    if answers.backend:
        return f"Set the {variable} to `{answers.backend}`, with an account that may read and write there."
    if answers.forge is Forge.GITHUB:
        return (
            "Copy the state, `.optout/state`, to a bucket of its own, and set the repository variable\n"
            "   `OPTOUT_STATE_URL` to its address, `s3://bucket/prefix`."
        )
    return f"Copy the state, `.optout/state`, to a volume of the runner, and set the {variable} to its address."
