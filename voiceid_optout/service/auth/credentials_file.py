"""The data folder's own keys: a file in AWS's shared-credentials format, readable by its owner alone.

It is made at the first start, so that a client on the same machine has a key at once. Its keys are admins of the
service on this folder, and of no other.
"""

import base64
import configparser
import os
import secrets
from pathlib import Path

from voiceid_optout.service.data_folder import CREDENTIALS_NAME
from voiceid_optout.service.errors import StartError

_OTHERS = 0o077


def load_keys(folder: Path) -> dict[str, str]:
    """Return secret access keys by access key id; the file is made with one key if it is missing.

    Each section of the file is one key, so adding a section adds a client. Raises StartError.
    """
    path = folder / CREDENTIALS_NAME
    if not path.exists():
        _make(path)
    return read_keys(path)


def read_keys(path: Path) -> dict[str, str]:
    """Return secret access keys by access key id; raises StartError."""
    if path.stat().st_mode & _OTHERS:
        raise StartError(f"{path} can be read by others than its owner; run: chmod 600 {path}")
    parser = configparser.RawConfigParser(default_section="none of them")
    try:
        parser.read(path, encoding="utf-8")
        keys = {
            parser[section]["aws_access_key_id"]: parser[section]["aws_secret_access_key"]
            for section in parser.sections()
        }
    except (configparser.Error, KeyError, UnicodeDecodeError):
        # The parser's own message quotes the line, which may hold a secret.
        raise StartError(
            f"{path} is not a credentials file: each [section] needs aws_access_key_id and aws_secret_access_key. "
            "Correct it, or delete it to have a new key made."
        ) from None
    if not keys:
        raise StartError(f"{path} holds no key. Delete it to have a new one made.")
    return keys


def new_key_id() -> str:
    """Return a new access key id, of AWS's length."""
    return "OPTO" + base64.b32encode(secrets.token_bytes(10)).decode()


def new_secret() -> str:
    """Return a new secret access key of 240 random bits."""
    return secrets.token_urlsafe(30)


def section(name: str, access_key_id: str, secret: str) -> str:
    """Return one key as a section of such a file."""
    return f"[{name}]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret}\n"


def append(path: Path, name: str, text: str) -> None:
    """Add a section to a file that its owner alone can read; it is made if it is missing. Raises StartError."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "r+", encoding="utf-8") as file:
            if os.fstat(handle).st_mode & _OTHERS:
                raise StartError(f"{path} can be read by others than its owner; run: chmod 600 {path}")
            before = file.read()
            if f"[{name}]" in map(str.strip, before.splitlines()):
                raise StartError(f"{path} has a section [{name}] already: give another --name or another file")
            file.write(text if before.endswith("\n") or not before else f"\n{text}")
            file.flush()
            os.fsync(handle)
    except UnicodeDecodeError:
        raise StartError(f"{path} is no credentials file: it is not UTF-8 text") from None
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from error


def _make(path: Path) -> None:
    text = section("default", new_key_id(), new_secret())
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
