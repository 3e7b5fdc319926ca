"""One person on the way into a register file, and the YAML that says so."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from voiceid_optout.register.fields import ListField, TextRule
from voiceid_optout.register.model import Location

# Words that need no quotes anywhere in YAML; rarer ones get quotes, which are never wrong.
_PLAIN = re.compile(r"id#\w+|[^\W_](?:[\w .,;/()+=%&-]*[\w.)%-])?")


@dataclass(frozen=True, slots=True)
class Person:
    """An id with its evidence: texts by the names of an entry's fields.

    ``replaces`` is the place of the entry, in the same file, that this one takes the place of, comments included.
    """

    speaker_id: str = field(repr=False)
    details: Mapping[str, str] = field(default_factory=dict, repr=False)
    replaces: Location | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """How a file writes its lists: columns before the dash, blanks after it, and what ends a line."""

    indent: int
    gap: int
    line_end: str


@dataclass(frozen=True, slots=True)
class Comments:
    """Comments of an entry, each from its ``#`` on: in the lines above it, and within."""

    above: Sequence[str] = ()
    within: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.above or self.within)


def block(person: Person, spec: ListField, style: Style, comments: Comments = Comments()) -> str:
    """Return the person's lines in a list; an id without details is a line by itself where the list allows it.

    Comments from within go beside the id and below.
    """
    dash = f"{' ' * style.indent}-{' ' * style.gap}"
    within = " " * len(dash)
    pairs = _pairs(person, spec)
    if len(pairs) == 1 and spec.bare:
        lines = [f"{dash}{pairs[0][1]}"]
    else:
        lines = [f"{within}{name}: {text}" for name, text in pairs]
        lines[0] = f"{dash}{lines[0].lstrip()}"
    if comments.within:
        lines[0] += f"  {comments.within[0]}"
    lines += [f"{within}{comment}" for comment in comments.within[1:]]
    lines = [*(f"{' ' * style.indent}{comment}" for comment in comments.above), *lines]
    return "".join(line + style.line_end for line in lines)


def flow(person: Person, spec: ListField) -> str:
    """Return the person as an item between brackets, where no comment has a place."""
    pairs = [(name, f'"{text}"' if "," in text and text[0] != '"' else text) for name, text in _pairs(person, spec)]
    if len(pairs) == 1 and spec.bare:
        return pairs[0][1]
    return "{" + ", ".join(f"{name}: {text}" for name, text in pairs) + "}"


def _pairs(person: Person, spec: ListField) -> list[tuple[str, str]]:
    """Return names and texts as YAML, in the order of the format."""
    texts = {"id": person.speaker_id, **person.details}
    return [(each.name, _word(texts[each.name], each.rule)) for each in spec.fields if each.name in texts]


def _word(text: str, rule: TextRule) -> str:
    if _PLAIN.fullmatch(text) and rule.problem(text, plain=True) is None:
        return text
    return json.dumps(text, ensure_ascii=False)  # a string of JSON is a double-quoted one of YAML
