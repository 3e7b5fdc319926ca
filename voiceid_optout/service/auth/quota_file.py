"""Quotas as an operator writes them: a TOML file of calls a second by operation."""

import math
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from voiceid_optout.service.errors import ServiceError


class QuotaError(ServiceError):
    """The quotas cannot be used; the text says where and why."""


def read(path: Path, operations: Collection[str]) -> dict[str, float]:
    """Return the file's calls a second by operation; raises QuotaError."""
    try:
        with path.open("rb") as file:
            return checked(tomllib.load(file), operations, str(path))
    except OSError as error:
        raise QuotaError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise QuotaError(f"{path} is not TOML, in lines such as OptOutSpeaker = 50: {error}") from error


def checked(given: Mapping[str, object], operations: Collection[str], where: str) -> dict[str, float]:
    """Return rates by operation if all are ones that can be kept; raises QuotaError."""
    rates: dict[str, float] = {}
    for name, rate in given.items():
        if name not in operations:
            raise QuotaError(f"{where}: there is no operation {name}")
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < math.inf:
            raise QuotaError(f"{where}: {name} needs calls a second above 0; leave it out to have no quota")
        rates[name] = float(rate)
    return rates
