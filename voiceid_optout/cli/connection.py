"""A command's own connection to the service that a stack names."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.config import value_of
from voiceid_optout.plan import AWS, SANDBOX, Scope
from voiceid_optout.plan.review import Pace
from voiceid_optout.state.config_values import as_text
from voiceid_optout.voiceid import SettingsInvalid
from voiceid_optout.voiceid.settings import KEYS as STACK_CONFIG
from voiceid_optout.voiceid.settings import ClientSettings, display_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voiceid_optout.cli.context import Context
    from voiceid_optout.plan import Purpose


def client_settings(context: Context, environment: Mapping[str, str]) -> ClientSettings:
    """Return endpoint, region and quotas; raises :class:`CommandError` for settings that cannot be used."""
    try:
        return ClientSettings.resolve(texts(context), {**context.environment, **environment})
    except SettingsInvalid as error:
        raise CommandError(str(error), ExitCode.USAGE) from error


def texts(context: Context) -> dict[str, str]:
    """Return what the stack's file says to the client, as programs get it."""
    given = {key: context.settings.config.get(f"{context.project.name}:{key}") for key in STACK_CONFIG}
    return {key: as_text(value_of(value)) for key, value in given.items() if value is not None}


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
