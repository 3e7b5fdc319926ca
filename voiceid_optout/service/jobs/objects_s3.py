"""Objects in S3, or in another service that speaks its protocol."""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from voiceid_optout.service.errors import StartError
from voiceid_optout.service.jobs.objects import MAX_OBJECT_BYTES, ObjectError, parse, too_large

_CODES = {404: "there is none under this name", 403: "the service's own AWS credentials do not allow it"}


class S3Objects:
    """Reads and writes with the service's own AWS credentials, found as every AWS SDK finds them."""

    def __init__(self, endpoint_url: str | None) -> None:
        """Connect to AWS, or to ``endpoint_url``; raises StartError if botocore cannot work with the settings."""
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
        name = parse(uri)
        try:
            body = self._client.get_object(Bucket=name.bucket, Key=name.key)["Body"]
            with body:
                content: bytes = body.read(MAX_OBJECT_BYTES + 1)
        except (ClientError, BotoCoreError) as error:
            raise _translated("The input object cannot be read", error) from None
        if len(content) > MAX_OBJECT_BYTES:
            raise too_large()
        return content

    def write(self, uri: str, content: bytes, kms_key_id: str | None) -> None:
        """Put the object, encrypted with the key if one is given; see ObjectStore."""
        name = parse(uri)
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}
        try:
            self._client.put_object(Bucket=name.bucket, Key=name.key, Body=content, **encryption)
        except (ClientError, BotoCoreError) as error:
            raise _translated("The output object cannot be written", error) from None


def _translated(what: str, error: Exception) -> ObjectError:
    if not isinstance(error, ClientError):
        # The name of the class alone: the text can hold the object's name.
        return ObjectError(500, f"{what}: S3 did not answer ({type(error).__name__}).")
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
    code = error.response.get("Error", {}).get("Code", "unknown")
    return ObjectError(status, f"{what}: {_CODES.get(status, f'S3 answered {code}')}.")
