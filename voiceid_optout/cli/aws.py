"""The stack file's ``aws:`` config: passed on to the provider, and explained."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from voiceid_optout.cli import connection
from voiceid_optout.cli.errors import CommandError
from voiceid_optout.state import project as projects
from voiceid_optout.state.config_values import as_text
from voiceid_optout.voiceid import SettingsInvalid
from voiceid_optout.voiceid.aws_config import ENDPOINT_VARIABLE, NAMES, OVERRIDE, PREFIX, AwsConfig
from voiceid_optout.voiceid.settings import (
    FILE_VARIABLE,
    REGION_VARIABLES,
    Setting,
    endpoint_setting,
    region_setting,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.cli.context import Context

IGNORED = {OVERRIDE: "{}"}


def environment(context: Context) -> dict[str, str]:
    """Return the variables for what the stack's file says today of endpoint, region and identity.

    Without them a refresh would ask where, and as whom, the last `up` asked: an engine keeps that run's config in
    the state. What the shell sets stays. Raises :class:`CommandError` for config that cannot be used.
    """
    texts = _texts(context)
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
    """Return the variable for what the stack's file says today; the state has what it said at the last `up`."""
    return {FILE_VARIABLE: json.dumps(connection.texts(context), sort_keys=True)}


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
    """Return where a value comes from; the keys of a stack's file begin with the project's own name."""
    _, colon, key = setting.source.partition("voiceid-optout:")
    return f"{context.project.name}:{key}" if colon else setting.source


def _texts(context: Context) -> dict[str, str]:
    """Return the config by its names without the prefix; a secret is opened with the passphrase."""
    config = context.settings.config
    given = {name: config[f"{PREFIX}{name}"] for name in NAMES if f"{PREFIX}{name}" in config}
    if "secure" not in json.dumps(given, default=str):
        return {name: as_text(value) for name, value in given.items()}
    # Only a stack with a secret among them pays for deriving the passphrase's key here.
    from voiceid_optout.state import passphrase  # noqa: PLC0415

    if context.settings.salt is None:
        raise CommandError(f"{context.settings.path.name} has a secret in its aws: config but no encryptionsalt")
    crypter = passphrase.open_with(passphrase.find(context.environment), context.settings.salt)
    values = projects.resolve(context.settings, crypter.decrypt).values
    return {name: values[f"{PREFIX}{name}"] for name in given}
