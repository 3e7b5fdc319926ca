"""Shards: people spread over a fixed number of resources, and the texts in which a resource holds many of them.

A text has one line a person, ``<label> <value>``, in the order of the labels, and each line ends in a line feed:
one person more is one line more, in any comparison of texts. Nobody is the empty text.
"""

from collections.abc import Iterator, Mapping

DIGITS = 2  # of a label's hexadecimal ones: 256 shards. It lies in every state, so it stays.
_PREFIX = len("sp-")


def shard_of(label: str) -> str:
    """Return the shard of a person: the first hexadecimal digits of the label."""
    return label[_PREFIX : _PREFIX + DIGITS]


def lines(values: Mapping[str, str]) -> str:
    """Return the text of values by label."""
    return "".join(f"{label} {values[label]}\n" for label in sorted(values))


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield label and value of each line; what has no blank is a label with an empty value."""
    for line in text.splitlines():
        label, _, value = line.partition(" ")
        yield label, value


def values(text: str) -> dict[str, str]:
    """Return the values of a text by label."""
    return dict(pairs(text))
