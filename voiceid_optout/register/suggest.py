"""Name the key that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

from voiceid_optout.register.fields import DOMAIN_FIELD, LISTS

_EVERYWHERE = {
    DOMAIN_FIELD.name: "at the top of the file",
    **dict.fromkeys(LISTS, "at the top of the file"),
} | {each.name: "in an entry" for spec in LISTS.values() for each in spec.fields}


def suggest(key: str, known: Iterable[str]) -> str:
    """Return advice about an unknown key without printing it: a slip of indentation makes keys of ids."""
    known = list(known)
    if key in _EVERYWHERE:
        return f"'{key}' belongs {_EVERYWHERE[key]}: check the indentation"
    close = get_close_matches(key.lower().replace("-", "_")[:64], known, n=1)
    if close:
        return f"unknown key: did you mean '{close[0]}'?"
    return f"unknown key; known here: {', '.join(known)}"
