"""A command's own connection to the service that a stack names."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from voiceid_optout.engine.config_text import as_text
from voiceid_optout.plan.pace import Pace
from voiceid_optout.voiceid import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voiceid_optout.cli.context import Context


def client_settings(context: Context, environment: Mapping[str, str]) -> ClientSettings:
    """Return endpoint, region and quotas; raises :class:`voiceid_optout.voiceid.SettingsInvalid`."""
    config = {
        key: as_text(value)
        for key in ("endpoint", "region", "quotas")
        if (value := context.setting(key)) is not None
    }
    return ClientSettings.resolve(config, {**context.environment, **environment})


def pace_of(context: Context, environment: Mapping[str, str]) -> Pace:
    """Return the calls a second that a run makes at most."""
    quotas = client_settings(context, environment).quotas
    return Pace(quotas.opt_out, quotas.delete)


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
