"""Labels: how a person is named wherever an identifier must not appear."""

import hmac
from functools import lru_cache

LABEL_DIGITS = 16
DOMAIN_ID = "domain-id"  # as previousLabelKey: the labels of before had the domain's id for a key
GUESSABLE_VARIABLE = "OPTOUT_GUESSABLE_LABELS"  # set by `optout` for a stack that has run without a label key


def label(key: str, domain_id: str, speaker_id: str) -> str:
    """Return the label of a speaker: ``sp-`` and 16 hexadecimal digits.

    The digits are the start of HMAC-SHA256 over ``<domain id>/<speaker id>``. With a secret ``key`` nobody
    who sees a plan can test guesses; with the domain id as key (the fallback) they can, if they know the domain.
    """
    keyed = _keyed(key).copy()
    keyed.update(f"{domain_id}/{speaker_id}".encode())
    return f"sp-{keyed.hexdigest()[:LABEL_DIGITS]}"


@lru_cache(maxsize=64)
def _keyed(key: str) -> hmac.HMAC:
    # A third of a label's time, and a hundred thousand are made three times a run.
    return hmac.new(key.encode(), digestmod="sha256")
