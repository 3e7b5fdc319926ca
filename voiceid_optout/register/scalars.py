"""What a YAML reader makes of a word without quotes.

YAML has two readings in use: 1.1 (PyYAML, most tools) and the 1.2 core schema (editors, newer tools). A word
that either takes for something else than text is refused, so that ``0017`` is never 15 for one program and 17
for the next.
"""

import re
from datetime import date
from functools import lru_cache

from yaml.resolver import Resolver

# YAML 1.1's type repository has them beside yes and no; PyYAML takes them for text, other readers do not.
_SHORT_TRUTH = frozenset("yYnN")
_NULL = frozenset(("", "~", "null", "Null", "NULL"))

# YAML 1.2.2, section 10.3.2, without null.
_CORE = re.compile(
    r"""
      true | True | TRUE | false | False | FALSE
    | 0o[0-7]+ | 0x[0-9a-fA-F]+
    | [-+]? ( \.[0-9]+ | [0-9]+ (\.[0-9]*)? ) ( [eE][-+]?[0-9]+ )?
    | [-+]? \. ( inf | Inf | INF ) | \. ( nan | NaN | NAN )
    """,
    re.VERBOSE,
)


def is_null(word: str) -> bool:
    """Whether an unquoted word stands for nothing; both readings agree."""
    return word in _NULL


def is_number_or_boolean(word: str) -> bool:
    """Whether YAML 1.2 takes the unquoted word for a number or a boolean."""
    return _CORE.fullmatch(word) is not None


def is_ambiguous(word: str) -> bool:
    """Whether YAML 1.1 takes the unquoted word for something else than text: a date, ``yes``, ``1_000``..."""
    if word in _SHORT_TRUTH:
        return True
    resolvers = Resolver.yaml_implicit_resolvers.get(word[:1], ())
    for _, regexp in resolvers:  # noqa: SIM110 - twice as fast as any(), in the innermost loop
        if regexp.match(word):
            return True
    return False


@lru_cache(maxsize=4096)
def parse_date(text: str) -> date | None:
    """Return the day written as YYYY-MM-DD, or None. Cached: a register names few days, many times."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
