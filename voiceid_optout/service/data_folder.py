"""The data folder: private, held by one service at a time, and telling others where it listens, with which keys.

``credentials`` is a file in AWS's format, made at the first start, so that a client on the same machine has a key
at once. Its keys are admins of the service on this folder, and of no other.
"""

import base64
import configparser
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from voiceid_optout.files import make_folder, sync_folder
from voiceid_optout.service.errors import DataLockedError, StartError

LOCK_NAME = "service.lock"
ENDPOINT_NAME = "endpoint.json"
CREDENTIALS_NAME = "credentials"
IGNORE_NAME = ".gitignore"
_OTHERS = 0o077


def prepare(folder: Path) -> None:
    """Make the folder private (0700), or refuse one that others can read and that holds foreign files."""
    try:
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)
        if folder.stat().st_mode & _OTHERS:
            foreign = [entry for entry in folder.iterdir() if entry.name not in (LOCK_NAME, IGNORE_NAME)]
            if foreign and not (folder / LOCK_NAME).exists():
                raise StartError(
                    f"{folder} is open to other users and holds other files; the service's data must be private. "
                    "Choose a folder of its own, or chmod 700 this one."
                )
            folder.chmod(0o700)
        ignore(folder)
    except OSError as error:
        raise StartError(f"{folder} cannot be used as data folder: {error.strerror}.") from error


def ignore(folder: Path) -> None:
    """Let Git ignore the folder and all in it, wherever it lies: keys and identifiers go into no commit.

    A file of that name that is there stays. Raises :class:`OSError`.
    """
    with suppress(FileExistsError):
        handle = os.open(folder / IGNORE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write("*\n")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; raises DataLockedError if another service does."""
    with (folder / LOCK_NAME).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataLockedError(
                f"Another service is using {folder}; stop it, or give this one another --data folder."
            ) from None
        yield


@contextmanager
def announced(folder: Path, endpoint: Mapping[str, str | int]) -> Iterator[None]:
    """Keep ``endpoint.json`` in the folder for the time of the block, locked: what is not locked is left behind."""
    path = folder / ENDPOINT_NAME
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(endpoint) + "\n")
        file.flush()
        draft.replace(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers now. ``admin_url`` is None when it has no admin port.

    ``credentials_file`` is None when it takes only keys of `optout serve keys`.
    """

    url: str
    admin_url: str | None
    pid: int
    region: str
    credentials_file: Path | None

    def environment(self) -> dict[str, str]:
        """Return the variables that point any AWS client at this service, and at its file of keys if it has one."""
        keys = self.credentials_file
        return {
            "AWS_ENDPOINT_URL_VOICE_ID": self.url,
            **({} if keys is None else {"AWS_SHARED_CREDENTIALS_FILE": str(keys.resolve())}),
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }


def find(data_dir: Path) -> Running | None:
    """Return the service that uses ``data_dir`` and listens, or None.

    The kernel knows: an ``endpoint.json`` that a killed service left behind is not locked, and not believed. What
    the files say of processes would not tell while the next service starts.
    """
    try:
        with (data_dir / ENDPOINT_NAME).open(encoding="utf-8") as file:
            if not _is_locked(file):
                return None
            endpoint = json.load(file)
        return Running(
            url=endpoint["url"],
            admin_url=endpoint.get("admin_url"),
            pid=endpoint["pid"],
            region=endpoint["region"],
            credentials_file=data_dir / CREDENTIALS_NAME if "credentials" in endpoint else None,
        )
    except (OSError, ValueError, KeyError):
        return None  # it does not listen yet, or no longer


def _is_locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def load_credentials(folder: Path) -> dict[str, str]:
    """Return secret access keys by access key id; the file is made with one key if it is missing.

    Each section of the file is one key, so adding a section adds a client. Raises StartError.
    """
    path = folder / CREDENTIALS_NAME
    if not path.exists():
        _make_credentials(path)
    return read_credentials(path)


def read_credentials(path: Path) -> dict[str, str]:
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


def credentials_section(name: str, access_key_id: str, secret: str) -> str:
    """Return one key as a section of such a file."""
    return f"[{name}]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret}\n"


def append_credentials(path: Path, name: str, text: str) -> None:
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


def _make_credentials(path: Path) -> None:
    text = credentials_section("default", new_key_id(), new_secret())
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)
