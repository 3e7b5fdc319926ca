"""Random ids in the forms the model asks for."""

import secrets
import string
import uuid

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 22  # base 62 digits that hold 128 random bits


def resource_id() -> str:
    """Return a new id of a domain or watchlist: 22 letters and digits."""
    number = secrets.randbits(128)
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def speaker_id() -> str:
    """Return a new GeneratedSpeakerId: ``id#`` and 22 letters and digits."""
    return "id#" + resource_id()


def request_id() -> str:
    """Return a new value for ``x-amzn-RequestId``."""
    return str(uuid.uuid4())
