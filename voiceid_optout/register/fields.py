"""The one table of what a register file may hold.

The loader's checks and the JSON Schema are both made from it, so an editor and CI judge alike.
Forms and lengths of ids: Voice ID API, shapes CustomerSpeakerId, GeneratedSpeakerId and DomainId.
"""

import re
from dataclasses import dataclass, field

from voiceid_optout.register.codes import Code
from voiceid_optout.register.scalars import is_ambiguous, is_null, is_number_or_boolean, parse_date
from voiceid_optout.speakers import SPEAKER_ID as SPEAKER_ID_FORM
from voiceid_optout.speakers import Ensure

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
    """What a text must look like; ``pattern`` is anchored and means the same in Python and ECMAScript."""

    pattern: str
    bad: Code
    form: str
    max_length: int | None = None
    is_date: bool = False
    prose: bool = False
    regexp: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "regexp", re.compile(self.pattern))

    def problem(self, text: str, *, plain: bool) -> Problem | None:
        """Return what is wrong with a value, None if nothing; ``plain`` means written without quotes."""
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


def _prose(max_length: int) -> TextRule:
    return TextRule(
        # Blanks, one character that is none, anything: a form no reader has to backtrack in.
        pattern=f"^[{_BLANK}]*[^{_CONTROL}{_BLANK}][^{_CONTROL}]*$",
        bad=Code.UNPRINTABLE_TEXT,
        form="the text holds control characters: delete them",
        max_length=max_length,
        prose=True,
    )


SPEAKER_ID = TextRule(
    pattern=rf"^(?:{SPEAKER_ID_FORM.pattern})$",
    bad=Code.BAD_ID,
    form=f"not a speaker id: {ID_FORM}",
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {each.name: each for each in self.fields})


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
    (_ID, _REQUESTED_ON, _REASON, _TICKET),
    bare=True,
)
RELEASED = ListField(
    "released",
    "People whose opt-out is withdrawn. The only way back: their record is deleted at the service.",
    Ensure.RELEASED,
    (_ID, _RELEASE_REASON, _TICKET, _REQUESTED_ON),
    bare=False,
)
LISTS = {each.name: each for each in (SPEAKERS, RELEASED)}
FILE_KEYS = (DOMAIN_FIELD.name, *LISTS)
