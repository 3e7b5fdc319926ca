"""Which place a stack's runs may reach: its file and the shell must not contradict each other.

Both the commands and the program ask, for the raw Pulumi CLI starts only the program.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from voiceid_optout.config import SANDBOX
from voiceid_optout.voiceid import SettingsInvalid
from voiceid_optout.voiceid.aws_config import ENDPOINT_VARIABLE, OVERRIDE, AwsConfig
from voiceid_optout.voiceid.settings import (
    IGNORE_VARIABLE,
    REGION_VARIABLES,
    clear_text_fault,
    display_url,
    endpoint_setting,
    stated_region,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voiceid_optout.config import Config
    from voiceid_optout.voiceid.settings import Setting

EXPORTED_FOR = "OPTOUT_ENV_FOR"  # which stack `optout env` made the other variables for
SANDBOX_PASSPHRASE = "local"  # noqa: S105 - public on purpose, see Pulumi.local.yaml
PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - a name, as the next one
PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105
PYTHON_COMMAND = "PULUMI_PYTHON_CMD"  # the Python of a project that names no virtual environment
AWS_KEYS = ("aws:endpoints", "aws:region")
# What `optout env` prints, for a shell to forget.
EXPORTED = (
    *(EXPORTED_FOR, "PULUMI_STACK", "PULUMI_BACKEND_URL", PASSPHRASE, OVERRIDE, ENDPOINT_VARIABLE),
    *("AWS_SHARED_CREDENTIALS_FILE", *REGION_VARIABLES, "AWS_PROFILE"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    PYTHON_COMMAND,
)


@dataclass(frozen=True, slots=True)
class StackPlace:
    """A stack and what its file says of places: ``aws`` has texts by AWS_KEYS."""

    project: str
    name: str
    config: Config = field(repr=False)
    aws: Mapping[str, str] = field(repr=False)

    @property
    def file(self) -> str:
        """What the stack file is called."""
        return f"Pulumi.{self.name}.yaml"

    @property
    def full_name(self) -> str:
        """Project and stack, as exports are bound to them."""
        return f"{self.project}/{self.name}"

    @property
    def is_sandbox(self) -> bool:
        """Whether the stack brings its own service."""
        return self.config.is_sandbox


def file_faults(stack: StackPlace) -> Iterator[str]:
    """Yield what contradicts itself in the stack file, a line each."""
    try:
        endpoint = _endpoint(stack, {})
        if endpoint.value and stack.is_sandbox:
            yield (
                f"{stack.file} has {stack.project}:service: {SANDBOX} beside {endpoint.source}: a sandbox asks its "
                "own service alone, so take one of the two out"
            )
        elif fault := clear_text_fault(endpoint.value, endpoint.source, allowed=stack.config.insecure_plain_http):
            yield f"{stack.file}: {fault}"
    except SettingsInvalid as error:
        yield f"{stack.file}: {error}"


def shell_faults(stack: StackPlace, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield where the variables of the shell lead elsewhere than the stack file, a line each; None is called.

    The endpoint comes first: it names both places. In a sandbox the shell's endpoint and region count for nothing.
    """
    if not stack.is_sandbox:
        try:
            yield from _conflicts(stack, environ)
        except SettingsInvalid as error:
            yield str(error)
    exported = environ.get(EXPORTED_FOR)
    if exported and exported != stack.full_name:
        names = " ".join(name for name in EXPORTED if environ.get(name) is not None)
        yield (
            f"this shell has the variables that `optout env` printed for {_shown(exported)}, and this is "
            f"{stack.full_name}: use another shell, or first: unset {names}"
        )
    yield from _passphrase_faults(stack, environ)


def _conflicts(stack: StackPlace, environ: Mapping[str, str]) -> Iterator[str]:
    theirs, ours = _endpoint(stack, environ), _endpoint(stack, {})
    if ours.value and theirs.value and display_url(theirs.value) != display_url(ours.value):
        yield _conflict(stack, theirs, ours, (display_url(theirs.value), display_url(ours.value)))
    theirs, ours = _region(stack, environ), _region(stack, {})
    if ours.value and theirs.value != ours.value:
        yield _conflict(stack, theirs, ours, (_shown(theirs.value or ""), ours.value))


def _conflict(stack: StackPlace, theirs: Setting, ours: Setting, values: tuple[str, str]) -> str:
    # Of the file's own kinds only the aws: config can come from the shell as well.
    name = theirs.source if theirs.source.isupper() else OVERRIDE
    return (
        f"{name} says {values[0]} and would win over {ours.source} in {stack.file}, which says {values[1]}: unset "
        "the variable, or change the file; nothing was called or written"
    )


def _endpoint(stack: StackPlace, environ: Mapping[str, str]) -> Setting:
    """Return the endpoint of the file, or with an environment the one that would be called; AWS's own is none."""
    # Which endpoint boto3 finds for all services is none of the file's business, nor of the variable for this one.
    own = {**environ, IGNORE_VARIABLE: "true"}
    return endpoint_setting(stack.config, _aws(stack, environ), own)


def _region(stack: StackPlace, environ: Mapping[str, str]) -> Setting:
    return stated_region(stack.config, _aws(stack, environ), environ)


def _aws(stack: StackPlace, environ: Mapping[str, str]) -> AwsConfig:
    return AwsConfig.parse(stack.aws, environ)


def _passphrase_faults(stack: StackPlace, environ: Mapping[str, str]) -> Iterator[str]:
    name, phrase = _passphrase(environ)
    if phrase is None:
        return
    if stack.is_sandbox:
        if phrase.strip() and phrase != SANDBOX_PASSPHRASE:
            yield (
                f"{stack.full_name} is a sandbox, sealed with a passphrase that everybody knows, and {name} would "
                "count for nothing: unset it"
            )
    elif not phrase.strip():
        yield (
            f"{name} is empty and would seal nothing: set it to the stack's passphrase (in CI: does this job get "
            "the secret?)"
        )
    elif phrase == SANDBOX_PASSPHRASE:
        yield (
            f"{name} is the sandbox's passphrase, which everybody knows, and {stack.full_name} is no sandbox: set "
            "it to the stack's own"
        )


def _passphrase(environ: Mapping[str, str]) -> tuple[str, str | None]:
    """Return the variable that gives the passphrase, and the passphrase; None for what the engine will refuse."""
    if (phrase := environ.get(PASSPHRASE)) is not None:
        return PASSPHRASE, phrase
    try:
        path = environ.get(PASSPHRASE_FILE)
        return PASSPHRASE_FILE, Path(path).read_text(encoding="utf-8").strip() if path else None
    except (OSError, ValueError):
        return PASSPHRASE_FILE, None


def _shown(text: str) -> str:
    """Return a variable's text as a word of a message."""
    return "".join(letter if letter.isprintable() and letter != " " else "?" for letter in text[:100])
