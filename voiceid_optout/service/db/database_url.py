"""Which database to use, from a URL or from a reference to where the URL is kept."""

import os
import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from voiceid_optout.service.errors import StartError

ENVIRONMENT = "OPTOUT_DATABASE"
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_OTHERS = 0o077
_SECRET = re.compile(r"password|secret|scram_\w+_key", re.IGNORECASE)


def database_url(reference: str) -> URL:
    """Return the PostgreSQL URL that ``reference`` gives: a URL, ``file:PATH`` or ``env:NAME``; raises StartError.

    No error repeats the URL, which may hold a password.
    """
    text, where = _resolved(reference)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StartError(f"{where} is not a URL of the form postgresql://user@host:port/database.") from None
    if url.drivername not in _SCHEMES:
        raise StartError(
            f"{where} must start with postgresql://. SQLite needs no URL: its file lies in the data folder."
        )
    return url.set(drivername="postgresql+psycopg")


def has_password(reference: str) -> bool:
    """Tell whether the reference itself, which others may see in a list of processes, carries a secret.

    libpq takes one before the host or among the parameters: password, sslpassword, oauth_client_secret and the
    scram keys; options may set anything. A parameter with the path of a file is none.
    """
    if reference.startswith(("file:", "env:")):
        return False
    url = database_url(reference)
    options = " ".join(_texts(url.query.get("options", "")))
    return bool(url.password or _SECRET.search(options)) or any(
        _SECRET.search(name) and any(_texts(value)) for name, value in url.query.items()
    )


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _resolved(reference: str) -> tuple[str, str]:
    kind, _, name = reference.partition(":")
    if kind == "env":
        if not os.environ.get(name):
            raise StartError(f"The environment variable {name}, which is to hold the database's URL, is not set.")
        return os.environ[name], f"The content of the environment variable {name}"
    if kind == "file":
        path = Path(name)
        try:
            if path.stat().st_mode & _OTHERS:
                raise StartError(f"{path} can be read by others than its owner; run: chmod 600 {path}")
            return path.read_text(encoding="utf-8").strip(), f"The content of {path}"
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise StartError(f"{path}, which is to hold the database's URL, cannot be read: {reason}.") from None
    return reference, "The database"
