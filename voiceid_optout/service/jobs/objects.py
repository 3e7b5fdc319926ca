"""Objects that jobs read and write under ``s3://`` names: what a store can do, and the parts of a name."""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from voiceid_optout.service.errors import ServiceError

MAX_OBJECT_BYTES = 64 * 1024 * 1024
"""10,000 requests with ten recordings each, all names at their longest, would be more; real ones are not."""


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


def has_key(uri: str) -> bool:
    """Tell whether the name is one of an object, not of a bucket or a folder."""
    key = parse(uri).key
    return bool(key) and not key.endswith("/")


def output_uri(folder_uri: str, job_id: str, input_uri: str) -> str:
    """Return where a job's output goes: ``<folder>/<job id>/<name of the input>.out``."""
    name = parse(input_uri).key.rpartition("/")[2]
    return f"{folder_uri.rstrip('/')}/{job_id}/{name}.out"


def too_large() -> ObjectError:
    return ObjectError(400, f"The input object is larger than {MAX_OBJECT_BYTES // 1024 // 1024} MiB.")


def open_store(place: str) -> ObjectStore:
    """Return the store of ``--objects``: a folder, ``s3``, or the URL of a service that speaks S3.

    Raises StartError if it cannot be used.
    """
    if place == "s3" or urlsplit(place).scheme in ("http", "https"):
        from voiceid_optout.service.jobs.objects_s3 import S3Objects  # noqa: PLC0415  a third of a second that only this needs

        return S3Objects(None if place == "s3" else place)
    from voiceid_optout.service.jobs.objects_folder import FolderObjects  # noqa: PLC0415  beside the other

    return FolderObjects(place)
