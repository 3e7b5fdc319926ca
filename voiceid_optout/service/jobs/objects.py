"""Objects that jobs read and write under ``s3://`` names: in S3, or in a folder that stands in for it.

In a folder ``s3://bucket/key`` is ``<root>/bucket/key``, and nothing outside the root can be reached.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from voiceid_optout.service.errors import ServiceError, StartError

MAX_OBJECT_BYTES = 64 * 1024 * 1024
"""10,000 requests with ten recordings each, all names at their longest, would be more; real ones are not."""


_S3_CODES = {404: "there is none under this name", 403: "the service's own AWS credentials do not allow it"}
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


def parse(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of a name that has passed the model's pattern."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def output_uri(folder_uri: str, job_id: str, input_uri: str) -> str:
    """Return where a job's output goes: ``<folder>/<job id>/<name of the input>.out``."""
    name = input_uri.rpartition("/")[2]
    return f"{folder_uri.rstrip('/')}/{job_id}/{name}.out"


def _bounded(content: bytes) -> bytes:
    if len(content) > MAX_OBJECT_BYTES:
        raise ObjectError(400, f"The input object is larger than {MAX_OBJECT_BYTES // 1024 // 1024} MiB.")
    return content


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
                return _bounded(file.read(MAX_OBJECT_BYTES + 1))

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
    bucket, key = parse(uri)
    steps = [bucket, *key.split("/")]
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


class S3Objects:
    """Objects in S3, or in another service that speaks its protocol.

    They are read and written with the service's own AWS credentials, found as every AWS SDK finds them.
    """

    def __init__(self, endpoint_url: str | None) -> None:
        """Connect to AWS, or to ``endpoint_url``; raises StartError if botocore cannot work with the settings."""
        import boto3  # noqa: PLC0415  a third of a second
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        self._faults = (ClientError, BotoCoreError)
        try:
            self._client: Any = boto3.client(
                "s3",
                endpoint_url=endpoint_url,
                config=Config(
                    connect_timeout=5,
                    read_timeout=20,
                    retries={"total_max_attempts": 3},
                    # Other services than AWS's seldom have a host name for every bucket.
                    s3={"addressing_style": "path" if endpoint_url else "auto"},
                ),
            )
        except (BotoCoreError, ValueError) as error:
            raise StartError(f"--objects cannot be used: {error}") from error

    def read(self, uri: str) -> bytes:
        """Return the object's content; see ObjectStore."""
        bucket, key = parse(uri)
        try:
            with self._client.get_object(Bucket=bucket, Key=key)["Body"] as body:
                return _bounded(body.read(MAX_OBJECT_BYTES + 1))
        except self._faults as error:
            raise _s3_error("The input object cannot be read", error) from None

    def write(self, uri: str, content: bytes, kms_key_id: str | None) -> None:
        """Put the object, encrypted with the key if one is given; see ObjectStore."""
        bucket, key = parse(uri)
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=content, **encryption)
        except self._faults as error:
            raise _s3_error("The output object cannot be written", error) from None


def _s3_error(what: str, error: Exception) -> ObjectError:
    response: Mapping[str, Any] | None = getattr(error, "response", None)
    if response is None:
        # The name of the class alone: the text can hold the object's name.
        return ObjectError(500, f"{what}: S3 did not answer ({type(error).__name__}).")
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
    code = response.get("Error", {}).get("Code", "unknown")
    return ObjectError(status, f"{what}: {_S3_CODES.get(status, f'S3 answered {code}')}.")


def open_objects(place: str) -> ObjectStore:
    """Return the store of ``--objects``: a folder, ``s3``, or the URL of a service that speaks S3.

    Raises StartError if it cannot be used.
    """
    if place == "s3" or urlsplit(place).scheme in ("http", "https"):
        return S3Objects(None if place == "s3" else place)
    return FolderObjects(place)
