"""Where a stack's calls go, and as whom: its sandbox's service, its endpoint, region and `aws:` config."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.util import find_spec
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from voiceid_optout.cli.context import DATA_FOLDER, require_shell
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.plan import AWS, SANDBOX, Scope
from voiceid_optout.plan.review import Pace
from voiceid_optout.service.data_folder import Running, find, ignore
from voiceid_optout.state.config_values import as_text
from voiceid_optout.voiceid import SettingsInvalid
from voiceid_optout.voiceid.aws_config import ENDPOINT_VARIABLE, NAMES, OVERRIDE, PREFIX, AwsConfig
from voiceid_optout.voiceid.place import EXPORTED_FOR, PASSPHRASE, SANDBOX_PASSPHRASE
from voiceid_optout.voiceid.settings import (
    FILE_VARIABLE,
    REGION_VARIABLES,
    ClientSettings,
    Setting,
    display_url,
    endpoint_setting,
    region_setting,
)
from voiceid_optout.voiceid.settings import KEYS as STACK_CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from voiceid_optout.cli.context import Context
    from voiceid_optout.plan import Purpose


_TIMEOUT_SECONDS = 30.0
_POLL_SECONDS = 0.02


@contextmanager
def environment_for(context: Context) -> Iterator[dict[str, str]]:
    """Give the variables a run of the stack needs on top of the process's own.

    For a sandbox that is its passphrase, and the endpoint and keys of its service, which is started when it does
    not run and ended with the command. For other stacks it is where their file says that the service is, and who
    asks it. Raises :class:`CommandError` where the shell leads elsewhere.
    """
    require_shell(context)
    if not context.is_sandbox:
        yield aws_environment(context)
        return
    make_private(context.data_folder)
    with running_service(context) as service:
        yield {**sandbox_environment(context, service), **todays_file(context)}


def sandbox_environment(context: Context, service: Running) -> dict[str, str]:
    """Return the variables that point the provider at the sandbox's service, whatever the shell has set."""
    keys = configparser.ConfigParser()
    if service.credentials_file is not None:
        keys.read(service.credentials_file, encoding="utf-8")
    if "default" not in keys:
        raise CommandError(
            f"the sandbox's service at {service.url} has no key of its own; start it without --no-first-key"
        )
    return {
        **IGNORED,
        **service.environment(),
        "AWS_PROFILE": "default",
        "AWS_ACCESS_KEY_ID": keys["default"]["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["default"]["aws_secret_access_key"],
        "AWS_SESSION_TOKEN": "",
        PASSPHRASE: SANDBOX_PASSPHRASE,
        EXPORTED_FOR: context.place.full_name,
    }


SERVICE_PACKAGES = ("alembic", "prometheus_client", "regex", "sqlalchemy", "starlette", "uvicorn")
"""What the extra `service` brings on every platform, by the names under which it is imported."""


def require_service() -> None:
    """Raise :class:`CommandError` unless the extra `service` is installed. Imports nothing."""
    missing = [name for name in SERVICE_PACKAGES if find_spec(name) is None]
    if missing:
        raise CommandError(
            f"the service needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed; "
            "run: pip install 'voiceid-optout[service]'",
            ExitCode.USAGE,
        )


@contextmanager
def running_service(context: Context) -> Iterator[Running]:
    """Give the sandbox's service: one that runs already on its data, or a new one on a free port."""
    if (running := find(context.service_folder)) is not None:
        yield running
        return
    require_service()
    arguments = ["serve", *serve_arguments(context), "--stop-with-stdin"]
    with TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "voiceid_optout", *arguments],
            cwd=context.project.root,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,  # a file: nobody would empty a pipe
            start_new_session=True,  # Ctrl-C ends the command first, which still has calls under way
        )
        try:
            yield _wait(process, context.service_folder, errors)
        finally:
            process.terminate()
            process.communicate()


def serve_arguments(context: Context) -> list[str]:
    """Return the arguments of `optout serve` for the sandbox: its data, its domains, any free port."""
    domains, default = context.domains()
    named = {domain_id: alias for alias, domain_id in domains.items()}
    if default and default not in named:
        named[default] = "default"
    # A sandbox is for trying things out, not for waiting; the reconciler keeps AWS's quotas by itself.
    arguments = ["--data", str(context.service_folder), "--port", "0", "--quotas", "none"]
    for domain_id, alias in named.items():
        arguments += ["--domain", f"{domain_id}={alias}"]
    if region := context.config.region:
        arguments += ["--region", region]
    return arguments


def _wait(process: subprocess.Popen[bytes], folder: Path, errors: IO[bytes]) -> Running:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if (running := find(folder)) is not None:
            return running
        # Somebody else's service may have taken the data in the meantime: then that one is awaited.
        if process.poll() not in (None, ExitCode.LOCKED):
            errors.seek(0)
            reason = errors.read().decode(errors="replace").strip().removeprefix("optout serve: ")
            raise CommandError(f"the sandbox's service did not start: {reason}")
        time.sleep(_POLL_SECONDS)
    raise CommandError(f"the sandbox's service did not start within {_TIMEOUT_SECONDS:.0f} s; try `optout serve`")


def make_private(folder: Path) -> None:
    """Make the project's data folder, or one in it, readable by its owner alone and ignored by Git."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.name == DATA_FOLDER:
            ignore(folder)
    except OSError as error:
        raise CommandError(f"cannot make {folder}: {error.strerror}") from error


IGNORED = {OVERRIDE: "{}"}


def aws_environment(context: Context) -> dict[str, str]:
    """Return the variables for what the stack file says today of endpoint, region and identity.

    Without them a refresh would ask where, and as whom, the last `up` asked: an engine keeps that run's config in
    the state. What the shell sets stays. Raises :class:`CommandError` for config that cannot be used.
    """
    texts = _aws_texts(context)
    given = {OVERRIDE: json.dumps(texts)}
    aws = parsed({**given, **context.environment})
    found = context.endpoint_environment()
    shell = context.environment
    if not shell.get(ENDPOINT_VARIABLE) and (url := aws.endpoints.get("voiceid")):
        found.setdefault(ENDPOINT_VARIABLE, url)
    if not any(map(shell.get, REGION_VARIABLES)) and aws.region:
        found.setdefault(REGION_VARIABLES[0], aws.region)
    found |= todays_file(context)
    return found if shell.get(OVERRIDE) else {**given, **found}


def todays_file(context: Context) -> dict[str, str]:
    """Return the variable for what the stack file says today; the state has what it said at the last `up`."""
    return {FILE_VARIABLE: json.dumps(texts(context), sort_keys=True)}


def parsed(environ: Mapping[str, str]) -> AwsConfig:
    """Return the config that is passed on in these variables; raises :class:`CommandError`."""
    try:
        return AwsConfig.parse({}, environ)
    except SettingsInvalid as error:
        raise CommandError(str(error)) from None


def sources(context: Context, environ: Mapping[str, str]) -> str:
    """Say where region and endpoint come from, the first source that has them."""
    aws = parsed({**environ, **context.environment})
    region = region_setting(context.config, aws, context.environment)
    endpoint = endpoint_setting(context.config, aws, context.environment)
    where = f"endpoint from {_named(endpoint, context)}" if endpoint.value else "AWS's own endpoint"
    return f"region {region.value} from {_named(region, context)}, {where}" if region.value else where


def _named(setting: Setting, context: Context) -> str:
    """Return where a value comes from; the keys of a stack file begin with the project's own name."""
    _, colon, key = setting.source.partition("voiceid-optout:")
    return f"{context.project.name}:{key}" if colon else setting.source


def _aws_texts(context: Context) -> dict[str, str]:
    """Return the config by its names without the prefix; a secret is opened with the passphrase."""
    config = context.settings.config
    given = {name: config[f"{PREFIX}{name}"] for name in NAMES if f"{PREFIX}{name}" in config}
    if "secure" not in json.dumps(given, default=str):
        return {name: as_text(value) for name, value in given.items()}
    values = context.unsealed({}).values  # to derive the passphrase's key takes a while
    return {name: values[f"{PREFIX}{name}"] for name in given}


def client_settings(context: Context, environment: Mapping[str, str]) -> ClientSettings:
    """Return endpoint, region and quotas; raises :class:`CommandError` for settings that cannot be used."""
    try:
        return ClientSettings.resolve(texts(context), {**context.environment, **environment})
    except SettingsInvalid as error:
        raise CommandError(str(error), ExitCode.USAGE) from error


def texts(context: Context) -> dict[str, str]:
    """Return what the stack file says to the client, as programs get it."""
    given = {key: context.settings.config.get(f"{context.project.name}:{key}") for key in STACK_CONFIG}
    return {key: as_text(value) for key, value in given.items() if value is not None}


def scope_of(context: Context, settings: ClientSettings, purpose: Purpose) -> Scope:
    """Return where a plan of the stack belongs, and where its calls go."""
    endpoint = AWS if settings.endpoint_url is None else display_url(settings.endpoint_url)
    if context.is_sandbox:
        endpoint = SANDBOX
    return Scope(context.project.name, context.stack, purpose, endpoint, settings.region)


def pace_of(settings: ClientSettings) -> Pace:
    """Return the calls a second that a run makes at most."""
    return Pace(settings.quotas.opt_out, settings.quotas.delete)


@contextmanager
def in_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables for a while: the AWS SDK takes its keys from there, as it does in the provider."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
