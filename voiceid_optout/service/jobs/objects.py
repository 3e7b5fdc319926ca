"""Objects that jobs read and write under ``s3://`` names, and a folder that stands in for S3.

In a folder ``s3://bucket/key`` is ``<root>/bucket/key``, and nothing outside the root can be reached.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from voiceid_optout.service.errors import ServiceError, StartError

MAX_OBJECT_BYTES = 64 * 1024 * 1024
"""10,000 requests with ten recordings each, all names at their longest, would be more; real ones are not."""


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe would otherwise block the job for ever before its kind can be seen.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class ObjectError(ServiceError):
    """An object cannot be read or written. ``code`` is the HTTP status that tells why; texts name no object."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class ObjectStore(Protocol):
    """Where objects lie. Both methods block, and raise ObjectError."""

    def read(self, uri: str) -> bytes:
        """Return the object's content, up to MAX_OBJECT_BYTES."""

    def write(self, uri: str, content: bytes, kms_key_id: str | None) -> None:
        """Put the object in place, whole or not at all; the same again is no error."""


@dataclass(frozen=True, slots=True)
class ObjectName:
    """The two parts of an ``s3://`` name."""

    bucket: str
    key: str


def parse(uri: str) -> ObjectName:
    """Take apart a name that has passed the model's pattern."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return ObjectName(bucket, key)


def output_uri(folder_uri: str, job_id: str, input_uri: str) -> str:
    """Return where a job's output goes: ``<folder>/<job id>/<name of the input>.out``."""
    name = parse(input_uri).key.rpartition("/")[2]
    return f"{folder_uri.rstrip('/')}/{job_id}/{name}.out"


def too_large() -> ObjectError:
    return ObjectError(400, f"The input object is larger than {MAX_OBJECT_BYTES // 1024 // 1024} MiB.")


class FolderObjects:
    """A folder that stands in for S3.

    Every step of a name is opened below the one before and never through a symbolic link, so that neither ``..``
    nor a link placed while a job runs leads out of the root.
    """

    def __init__(self, root: str) -> None:
        """Use the folder ``root``; raises StartError if it is none."""
        self._root = Path(root)
        if not self._root.is_dir():
            raise StartError(f"--objects: {root} is not a folder; make it, with one folder a bucket in it.")

    def read(self, uri: str) -> bytes:
        """Return the file's content; see ObjectStore."""
        *folders, name = _steps(uri)
        with _translated("The input object cannot be read"), self._folder(folders, make=False) as folder:
            handle = os.open(name, _READ, dir_fd=folder)
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise ObjectError(400, "The input object is not a regular file.")
                content = file.read(MAX_OBJECT_BYTES + 1)
        if len(content) > MAX_OBJECT_BYTES:
            raise too_large()
        return content

    def write(self, uri: str, content: bytes, kms_key_id: str | None) -> None:  # noqa: ARG002  no KMS for files
        """Write the file for its owner alone; see ObjectStore."""
        *folders, name = _steps(uri)
        with _translated("The output object cannot be written"), self._folder(folders, make=True) as folder:
            temporary = f".{name[:100]}.part"
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)  # of a service that was killed while it wrote
            handle = os.open(temporary, _WRITE, 0o600, dir_fd=folder)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(handle)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)

    @contextmanager
    def _folder(self, steps: list[str], *, make: bool) -> Iterator[int]:
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for step in steps:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(step, 0o700, dir_fd=handle)
                below = os.open(step, _FOLDER, dir_fd=handle)
                os.close(handle)
                handle = below
            yield handle
        finally:
            os.close(handle)


def _steps(uri: str) -> list[str]:
    name = parse(uri)
    steps = [name.bucket, *name.key.split("/")]
    if any(step in ("", ".", "..") or "\0" in step for step in steps):
        raise ObjectError(400, "An object's name has a step that is empty, '.' or '..', which files cannot have.")
    return steps


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise ObjectError(404, f"{what}: there is none under this name.") from None
    except OSError as error:  # a link (ELOOP, ENOTDIR), a name too long, no permission, a full disk
        raise ObjectError(403, f"{what}: {os.strerror(error.errno or 0)}.") from None
