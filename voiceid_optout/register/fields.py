"""The one table of what a register file may hold, and what a YAML reader makes of a word without quotes.

The loader's checks and the JSON Schema (:func:`build_schema`) are both made from it, so an editor and CI judge
alike. The schema tells everything about one document once YAML is read. What it cannot tell (``Level`` other than
DOCUMENT): YAML's own faults, and what depends on other files or on the stack's config. Forms and lengths of ids:
Voice ID API, shapes CustomerSpeakerId, GeneratedSpeakerId and DomainId.

YAML has two readings in use: 1.1 (PyYAML, most tools) and the 1.2 core schema (editors, newer tools). A word
that either takes for something else than text is refused, so that ``0017`` is never 15 for one program and 17
for the next.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from yaml.resolver import Resolver

from voiceid_optout.register.faults import Code
from voiceid_optout.speakers import SPEAKER_ID as SPEAKER_ID_FORM
from voiceid_optout.speakers import Ensure

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


# Characters a text may not hold: controls except tab and line feed, and the line breaks few programs know.
_CONTROL = r"\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff"
# Written out, because \s differs between Python and the ECMAScript that JSON Schema speaks.
_BLANK = r"\t\n \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_SURROGATE = re.compile("[\ud800-\udfff]")

ID_FORM = "1 to 256 letters, digits, '_' or '-', starting with a letter or digit, or 'id#' and 22 letters or digits"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a value is refused."""

    code: Code
    message: str


@dataclass(frozen=True, slots=True)
class TextRule:
    """What a text must look like; ``pattern`` is anchored and means the same in Python and ECMAScript.

    What ``sure`` matches is right with quotes and without, so that nothing more need be looked at.
    """

    pattern: str
    bad: Code
    form: str
    max_length: int | None = None
    is_date: bool = False
    prose: bool = False
    sure: re.Pattern[str] | None = None
    regexp: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "regexp", re.compile(self.pattern))

    def problem(self, text: str, *, plain: bool) -> Problem | None:
        """Return what is wrong with a value, None if nothing; ``plain`` means written without quotes."""
        if self.sure is not None and self.sure.fullmatch(text):
            return None
        if self.is_date:
            # A date needs no quotes: its form leaves no doubt, and it is never used as text.
            return None if self.regexp.fullmatch(text) and parse_date(text) else self._refusal(text, plain=plain)
        if plain and is_ambiguous(text):
            return self._refusal(text, plain=plain) or Problem(
                Code.NEEDS_QUOTES,
                "some YAML readers take this for a number, a date or yes/no: put it in quotes",
            )
        if (
            self.regexp.fullmatch(text)
            and (self.max_length is None or len(text) <= self.max_length)
            and (text.isascii() or not _SURROGATE.search(text))
            and not (plain and is_number_or_boolean(text))
        ):
            return None
        return self._refusal(text, plain=plain)

    def _refusal(self, text: str, *, plain: bool) -> Problem | None:
        """Say why; only reached for the few that fail, so it may take its time."""
        if plain and is_null(text):
            return Problem(Code.NO_VALUE, "nothing stands here: fill it in or delete it")
        if plain and not self.is_date and is_number_or_boolean(text):
            return Problem(Code.NOT_TEXT, "a number or true/false stands where text is needed: put it in quotes")
        if self.max_length is not None and len(text) > self.max_length:
            return Problem(Code.TOO_LONG, f"at most {self.max_length} characters, here are {len(text)}")
        if self.prose and not re.search(f"[^{_BLANK}]", text):
            return Problem(Code.BLANK_TEXT, "the text is blank: fill it in, or delete the key")
        if not self.regexp.fullmatch(text) or _SURROGATE.search(text) or self.is_date:
            return Problem(self.bad, self.form)
        return None


# Most texts are like these: begun by a letter, and with a hyphen, an underscore or a blank in them. No reading of
# YAML takes such words for anything but text; tests ask the rules too.
PLAIN_ID = re.compile("[a-zA-Z](?=[a-zA-Z0-9]*[-_])[a-zA-Z0-9_-]{1,255}")
PLAIN_TEXT = re.compile("[a-zA-Z](?=[a-zA-Z0-9]*[-_ ])[ -~]{1,255}")


def _prose(max_length: int) -> TextRule:
    return TextRule(
        # Blanks, one character that is none, anything: a form no reader has to backtrack in.
        pattern=f"^[{_BLANK}]*[^{_CONTROL}{_BLANK}][^{_CONTROL}]*$",
        bad=Code.UNPRINTABLE_TEXT,
        form="the text holds control characters: delete them",
        max_length=max_length,
        prose=True,
        sure=PLAIN_TEXT,
    )


SPEAKER_ID = TextRule(
    pattern=rf"^(?:{SPEAKER_ID_FORM.pattern})$",
    bad=Code.BAD_ID,
    form=f"not a speaker id: {ID_FORM}",
    sure=PLAIN_ID,
)
DOMAIN = TextRule(
    pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$",
    bad=Code.BAD_DOMAIN,
    form="neither a domain id (22 letters and digits) nor an alias (letters, digits, '_', '.', '-')",
)
DAY = TextRule(
    pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    bad=Code.BAD_DATE,
    form="not a day of the calendar written as YYYY-MM-DD",
    is_date=True,
)


@dataclass(frozen=True, slots=True)
class Field:
    """One key with a text as its value; ``required`` is the code of the fault if the key is missing."""

    name: str
    rule: TextRule
    about: str
    example: str
    required: Code | None = None


@dataclass(frozen=True, slots=True)
class ListField:
    """One key with a list of entries; ``bare``: an id alone may stand for an entry."""

    name: str
    about: str
    ensure: Ensure
    fields: tuple[Field, ...]
    bare: bool
    by_name: dict[str, Field] = field(init=False, repr=False, compare=False)
    required: tuple[tuple[str, Code], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {each.name: each for each in self.fields})
        required = tuple((each.name, each.required) for each in self.fields if each.required is not None)
        object.__setattr__(self, "required", required)


DOMAIN_FIELD = Field(
    "domain",
    DOMAIN,
    "The Voice ID domain of everybody in this file: a domain id, or an alias from the stack's config.",
    "sandbox",
)
_ID = Field(
    "id",
    SPEAKER_ID,
    "The person: CustomerSpeakerId, or 'id#…' (GeneratedSpeakerId).",
    "caller-000017",
    Code.MISSING_ID,
)
_REQUESTED_ON = Field("requested_on", DAY, "The day the person asked, YYYY-MM-DD.", "2026-03-02")
_REVIEW_ON = Field(
    "review_on", DAY, "The day to look at this entry again, YYYY-MM-DD; it changes nothing by itself.", "2029-03-02"
)
_REASON = Field("reason", _prose(1024), "How the person asked; no names, no numbers.", "objection by phone")
_TICKET = Field("ticket", _prose(256), "Where the request is filed.", "PRIV-231")
_RELEASE_REASON = Field(
    "reason",
    _prose(1024),
    "Why this person may be recognised by voice again.",
    "consented again in writing",
    Code.MISSING_REASON,
)

SPEAKERS = ListField(
    "speakers",
    "People who must not be recognised by voice: an id, or an id with its evidence.",
    Ensure.OPTED_OUT,
    (_ID, _REQUESTED_ON, _REASON, _TICKET, _REVIEW_ON),
    bare=True,
)
RELEASED = ListField(
    "released",
    "People whose opt-out is withdrawn. The only way back: their record is deleted at the service.",
    Ensure.RELEASED,
    (_ID, _RELEASE_REASON, _TICKET, _REQUESTED_ON, _REVIEW_ON),
    bare=False,
)
LISTS = {each.name: each for each in (SPEAKERS, RELEASED)}
FILE_KEYS = (DOMAIN_FIELD.name, *LISTS)


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


DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def build_schema() -> Schema:
    """Return the schema. Keywords for objects and lists stand side by side: each binds its own kind only."""
    return {
        "$schema": DIALECT,
        "title": "Register of opt-outs",
        "description": "People who must not be recognised by voice. One file, one domain.",
        "type": ["object", "array"],
        "properties": {
            DOMAIN_FIELD.name: _text(DOMAIN_FIELD),
            **{
                name: {"type": "array", "description": spec.about, "items": _ref(spec)}
                for name, spec in LISTS.items()
            },
        },
        "additionalProperties": False,
        "anyOf": [{"required": [name]} for name in LISTS],
        "items": _ref(SPEAKERS),
        "$defs": {spec.ensure.value: _entry(spec) for spec in LISTS.values()},
    }


def schema_text() -> str:
    """Return the schema as it is checked in."""
    return json.dumps(build_schema(), indent=2, ensure_ascii=False) + "\n"


def _ref(spec: ListField) -> Schema:
    return {"$ref": f"#/$defs/{spec.ensure.value}"}


def _entry(spec: ListField) -> Schema:
    entry: Schema = {
        "type": "object",
        "properties": {each.name: _text(each) for each in spec.fields},
        "required": [each.name for each in spec.fields if each.required is not None],
        "additionalProperties": False,
    }
    if spec.bare:
        entry["type"] = ["string", "object"]
        entry["pattern"] = SPEAKERS.by_name["id"].rule.pattern
    return entry


def _text(spec: Field) -> Schema:
    text: Schema = {
        "type": "string",
        "description": spec.about,
        "pattern": spec.rule.pattern,
        "examples": [spec.example],
    }
    if spec.rule.max_length is not None:
        text["maxLength"] = spec.rule.max_length
    if spec.rule.is_date:
        text["format"] = "date"
    return text
