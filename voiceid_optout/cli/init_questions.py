"""What ``optout init`` needs to know: from options, questions on a terminal, the folder, and defaults."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli import git
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.init_files import (
    DEFAULT_REGION,
    PRODUCTION,
    SANDBOX_DOMAIN,
    SANDBOX_STACK,
    Answers,
    Forge,
    check,
    current_version,
    option,
)
from voiceid_optout.voiceid.place import PASSPHRASE, PASSPHRASE_FILE, SANDBOX_PASSPHRASE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def ask(root: Path, given: Mapping[str, Any], *, asks: bool) -> Answers:
    """Return the answers of the options and of the terminal; raises :class:`CommandError` for what is missing."""
    given = {key: value for key, value in given.items() if value is not None}
    is_sandbox = given.pop("sandbox")
    if is_sandbox and "endpoint" in given:
        raise CommandError("--sandbox brings a service of its own: leave --endpoint out", ExitCode.USAGE)
    folder_name = {} if check("name", root.name) else {"name": root.name}
    known: dict[str, Any] = {"forge": Forge.NONE, "region": DEFAULT_REGION, **folder_name, **_branch(root)}
    if asks and not is_sandbox:
        given = _asked(given, known)
        is_sandbox = not given.get("endpoint")
    if is_sandbox:
        given["endpoint"] = None
        known |= {"name": "opt-outs", **folder_name, "stack": SANDBOX_STACK, "domain_id": SANDBOX_DOMAIN}
    known = {"stack": PRODUCTION, **known, **given}
    if known["forge"] != Forge.NONE:
        _require_root(root)
    needed = ("name", "endpoint", "domain_id", *(["workflows"] if known["forge"] != Forge.NONE else []))
    if missing := [name for name in needed if name not in known]:
        words = [option(name) + " (or --sandbox)" * (name == "endpoint") for name in missing]
        raise CommandError(f"nobody is here to ask for {', '.join(words)}: pass what is missing", ExitCode.USAGE)
    if known["forge"] != Forge.NONE:
        known["workflows_version"] = current_version()
    return Answers(**{**known, "forge": Forge(known["forge"])})


_QUESTIONS = {
    "endpoint": "Endpoint of the Voice ID-compatible service (empty: a sandbox)",
    "name": "Name of the project",
    "domain_id": "Id of the domain, as the service gave it",
    "region": "Region that requests are signed for",
    "backend": "URL of the state's backend (empty: the folder .optout)",
    "forge": f"Forge, for the pipeline ({', '.join(Forge)})",
    "workflows": "Pipeline to call, OWNER/voiceid-optout@COMMIT",
    "owners": "Owners for CODEOWNERS, such as @example/privacy (empty: later)",
}
_MAY_BE_EMPTY = ("endpoint", "backend", "owners")


def _asked(given: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for what no option says, as long as it matters."""
    found = dict(given)
    for name, question in _QUESTIONS.items():
        is_pointless = (name in ("domain_id", "backend", "region") and not found.get("endpoint")) or (
            name in ("workflows", "owners") and found.get("forge") == Forge.NONE
        )
        if name in found or is_pointless:
            continue
        default = "" if name in _MAY_BE_EMPTY else known.get(name)
        found[name] = click.prompt(
            question, default=default, show_default=bool(default), value_proc=_sound(name), err=True
        )
    return {name: value for name, value in found.items() if value or name not in _MAY_BE_EMPTY}


def _sound(name: str) -> Any:
    def convert(value: str) -> str:
        text = str(value).strip()
        problem = check(name, text) if text or name not in _MAY_BE_EMPTY else None
        if problem is not None:
            raise click.UsageError(problem)
        return text

    return convert


def passphrase(environment: dict[str, str], *, asks: bool) -> bool:
    """Make sure that there is a passphrase; returns whether it was typed, so that the shell does not have it."""
    if environment.get(PASSPHRASE) is not None or environment.get(PASSPHRASE_FILE):
        return False
    if not asks:
        raise CommandError(
            f"set {PASSPHRASE} or {PASSPHRASE_FILE}: the label key is sealed with it, and later the "
            "identifiers in the state; nothing was written",
            ExitCode.USAGE,
        )

    def sound(value: str) -> str:
        if not value.strip() or value == SANDBOX_PASSPHRASE:
            raise click.UsageError("that is empty, or the sandbox's, which everybody knows")
        return value

    question = "Passphrase of the stack, which seals identifiers in the state"
    environment[PASSPHRASE] = click.prompt(
        question, hide_input=True, confirmation_prompt=True, value_proc=sound, err=True
    )
    return True


def _branch(root: Path) -> dict[str, str]:
    branch = git.branch(root, os.environ)
    return {"branch": branch} if branch and check("branch", branch) is None else {}


def _require_root(root: Path) -> None:
    top = git.top(root, os.environ)
    if top is not None and top.resolve() != root:
        raise CommandError(
            f"the folder lies within the repository {top}, and forges look for a pipeline at its root alone: "
            "choose that folder, or --forge none",
            ExitCode.USAGE,
        )
