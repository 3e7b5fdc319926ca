"""Random ids in the forms the model asks for."""

import os
import string
import threading
import time
from functools import lru_cache

_ALPHABET = (
    string.digits + string.ascii_uppercase + string.ascii_lowercase
).encode()  # in the order of their bytes
_LENGTH = 22  # base 62 digits that hold 128 random bits
_TIME_LENGTH = 8  # base 62 digits that hold milliseconds for some thousand years
_FAIR = 256 // len(_ALPHABET) * len(_ALPHABET)  # bytes from here on would favour some digits
_DIGITS = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))
_UNFAIR = bytes(range(_FAIR, 256))
_FETCHED = 4096


class _Randomness(threading.local):
    """Random bytes, fetched in advance: a call of the system for each id would hand the interpreter to other
    threads.

    Each thread has its own, so none is given twice.
    """

    def __init__(self) -> None:
        self._digits = ""
        self._hex = ""

    def digits(self, count: int) -> str:
        """Return random digits of base 62."""
        while len(self._digits) < count:
            self._digits += os.urandom(_FETCHED).translate(_DIGITS, _UNFAIR).decode("ascii")
        taken, self._digits = self._digits[:count], self._digits[count:]
        return taken

    def hex(self, count: int) -> str:
        """Return random hexadecimal digits."""
        while len(self._hex) < count:
            self._hex += os.urandom(_FETCHED).hex()
        taken, self._hex = self._hex[:count], self._hex[count:]
        return taken


_random = _Randomness()


def resource_id() -> str:
    """Return a new id of a domain, watchlist or job: 22 letters and digits."""
    return _random.digits(_LENGTH)


def speaker_id() -> str:
    """Return a new id of a speaker, fraudster or session: ``id#``, 8 digits of the time, 14 random ones (83 bits).

    Ids made one after another lie side by side in the database's index, so that a batch writes a few of its pages
    and not one a speaker, which halves the cost of an opt-out. They tell no more than CreatedAt does.
    """
    return f"id#{_time_digits(int(time.time() * 1000))}{_random.digits(_LENGTH - _TIME_LENGTH)}"


@lru_cache(maxsize=2)
def _time_digits(milliseconds: int) -> str:
    digits = []
    for _ in range(_TIME_LENGTH):
        milliseconds, digit = divmod(milliseconds, len(_ALPHABET))
        digits.append(chr(_ALPHABET[digit]))
    return "".join(reversed(digits))


def request_id() -> str:
    """Return a new value for ``x-amzn-RequestId``: a random UUID (version 4 of RFC 9562)."""
    raw = _random.hex(31)
    return f"{raw[:8]}-{raw[8:12]}-4{raw[12:15]}-{'89ab'[int(raw[15], 16) & 3]}{raw[16:19]}-{raw[19:]}"
