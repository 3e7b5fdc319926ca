"""What can be wrong with a register: each fault's code, meaning and remedy, and the error that carries them all.

``docs/register.md`` shows the table ``ABOUT``; a test keeps the two the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import NamedTuple, Self


class Code(StrEnum):
    """Short names of faults; scripts may rely on them."""

    MISSING_DIRECTORY = "missing-directory"
    NO_FILES = "no-files"
    NOT_A_FILE = "not-a-file"
    IN_SUBDIRECTORY = "in-subdirectory"
    NOT_READ = "not-read"
    OUTSIDE_TREE = "outside-tree"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    NOT_UTF8 = "not-utf-8"
    CONTROL_CHARACTER = "control-character"
    CONFLICT_MARKER = "conflict-marker"
    YAML_SYNTAX = "yaml-syntax"
    TAB_INDENTATION = "tab-indentation"
    DUPLICATE_KEY = "duplicate-key"
    SEVERAL_DOCUMENTS = "several-documents"
    ANCHOR_OR_ALIAS = "anchor-or-alias"
    MERGE_KEY = "merge-key"
    TAG = "tag"
    COMPLEX_KEY = "complex-key"
    CUT_BY_COMMENT = "cut-by-comment"
    TOO_DEEP = "too-deep"
    TOO_MANY_FAULTS = "too-many-faults"
    EMPTY_FILE = "empty-file"
    NOBODY_LISTED = "nobody-listed"
    UNKNOWN_KEY = "unknown-key"
    MISSING_ID = "missing-id"
    MISSING_REASON = "missing-reason"
    NO_VALUE = "no-value"
    WRONG_TYPE = "wrong-type"
    NOT_TEXT = "not-text"
    BAD_ID = "bad-id"
    BAD_DOMAIN = "bad-domain"
    BAD_DATE = "bad-date"
    BLANK_TEXT = "blank-text"
    UNPRINTABLE_TEXT = "unprintable-text"
    TOO_LONG = "too-long"
    NEEDS_QUOTES = "needs-quotes"
    NO_DOMAIN = "no-domain"
    UNKNOWN_ALIAS = "unknown-alias"
    BAD_ALIAS = "bad-alias"
    DUPLICATE_SPEAKER = "duplicate-speaker"
    DUPLICATE_ACROSS_FILES = "duplicate-across-files"
    LISTED_AND_RELEASED = "listed-and-released"


class Level(Enum):
    """How much must be read before a fault shows."""

    FILE = "the file cannot be read as text"
    YAML = "the text uses YAML in a way a register does not"
    DOCUMENT = "the document has another shape; a JSON Schema can tell"
    REGISTER = "the document is fine by itself, the register is not"


@dataclass(frozen=True, slots=True)
class About:
    """What a code stands for, in one sentence each."""

    level: Level
    meaning: str
    remedy: str


_F, _Y, _D, _R = Level.FILE, Level.YAML, Level.DOCUMENT, Level.REGISTER

ABOUT: Mapping[Code, About] = MappingProxyType(
    {
        Code.MISSING_DIRECTORY: About(
            _F,
            "The register's directory or file does not exist.",
            "Check the path and where you run the command.",
        ),
        Code.NO_FILES: About(
            _F,
            "The directory has no `.yaml` or `.yml` file.",
            "Add one; a register of nobody is `speakers: []`.",
        ),
        Code.NOT_A_FILE: About(_F, "The name belongs to a directory, a pipe or a device.", "Rename or remove it."),
        Code.IN_SUBDIRECTORY: About(
            _F,
            "The file is too deep, or behind a link to a folder, and would not be read.",
            "Move it up, or out of the register.",
        ),
        Code.NOT_READ: About(
            _F,
            "The name looks like that of a register file (`people.yaml.txt`), but the file would not be read.",
            "Let it end in `.yaml`, or move it out of the register.",
        ),
        Code.OUTSIDE_TREE: About(_F, "A symbolic link leads out of the register's directory.", "Copy the file in."),
        Code.UNREADABLE: About(_F, "The system refuses to open the file.", "Correct its permissions or the link."),
        Code.TOO_LARGE: About(_F, "The file is larger than 64 MB.", "Split it into several files."),
        Code.NOT_UTF8: About(_F, "The bytes are not UTF-8.", "Save the file as UTF-8."),
        Code.CONTROL_CHARACTER: About(
            _F,
            "The file contains an invisible control character, or a line break that only some programs know.",
            "Delete it.",
        ),
        Code.CONFLICT_MARKER: About(
            _F,
            "A line of `<<<<<<<`, `=======` or `>>>>>>>` remains from a conflict between two changes.",
            "Keep the people of both sides, and delete these lines.",
        ),
        Code.YAML_SYNTAX: About(
            _Y,
            "YAML cannot be read from here on.",
            "Mostly indentation, a missing quote or bracket just before.",
        ),
        Code.TAB_INDENTATION: About(_Y, "A line is indented with a tab.", "Use spaces."),
        Code.DUPLICATE_KEY: About(_Y, "A key is given twice in one mapping.", "Keep one."),
        Code.SEVERAL_DOCUMENTS: About(
            _Y, "A second YAML document starts (`---`).", "Put it into a file of its own."
        ),
        Code.ANCHOR_OR_ALIAS: About(_Y, "`&name` or `*name` is used.", "Write the value out, or quote it."),
        Code.MERGE_KEY: About(_Y, "The merge key `<<` is used.", "Write the keys out."),
        Code.TAG: About(_Y, "A YAML tag such as `!!str` is used.", "Delete it; put text into quotes."),
        Code.COMPLEX_KEY: About(_Y, "A key is a list or a mapping.", "Check brackets and braces; quote text."),
        Code.CUT_BY_COMMENT: About(
            _Y,
            "A reason or ticket ends before ` #`, where YAML begins a comment: `PRIV #231` is `PRIV`.",
            "Put it into quotes; write `# ` before what is a comment.",
        ),
        Code.TOO_DEEP: About(_Y, "Lists and mappings are nested without need.", "An entry is the deepest level."),
        Code.TOO_MANY_FAULTS: About(
            _Y,
            "There are more; they are not shown.",
            "Look at the first fault: it is likely the cause of the others.",
        ),
        Code.EMPTY_FILE: About(
            _D,
            "The file is empty, or has only comments.",
            "Delete it, or write `speakers: []` if nobody is listed on purpose.",
        ),
        Code.NOBODY_LISTED: About(
            _D, "There is neither `speakers` nor `released`.", "Add one; an empty list is `[]`."
        ),
        Code.UNKNOWN_KEY: About(_D, "The key is not one a register knows.", "Correct its spelling or indentation."),
        Code.MISSING_ID: About(_D, "An entry names nobody.", "Add `id`."),
        Code.MISSING_REASON: About(
            _D,
            "Someone is released without a reason.",
            "Write `id` and `reason`: a release must be accountable.",
        ),
        Code.NO_VALUE: About(_D, "A key or a dash has no value.", "Fill it in or delete it."),
        Code.WRONG_TYPE: About(
            _D, "A list, mapping or text is in a place that needs another kind.", "See the format."
        ),
        Code.NOT_TEXT: About(_D, "A number or true/false is in a place that needs text.", "Put it into quotes."),
        Code.BAD_ID: About(
            _D,
            "Not a speaker id: 1 to 256 letters, digits, `_`, `-`, the first a letter or digit; "
            "or `id#` and 22 letters or digits.",
            "Correct it; check the indentation of the next line.",
        ),
        Code.BAD_DOMAIN: About(_D, "Neither a domain id (22 letters and digits) nor an alias.", "Correct it."),
        Code.BAD_DATE: About(_D, "Not a day of the calendar as YYYY-MM-DD.", "Correct it."),
        Code.BLANK_TEXT: About(_D, "The text is empty or only blanks.", "Fill it in or delete the key."),
        Code.UNPRINTABLE_TEXT: About(
            _D, "The text contains control characters (written as escapes).", "Delete them."
        ),
        Code.TOO_LONG: About(
            _D,
            "A reason is longer than 1,024 characters or a ticket than 256.",
            "Shorten it; link to the rest.",
        ),
        Code.NEEDS_QUOTES: About(
            _R, "Some YAML readers take this text for a number, a date or yes/no.", "Put it into quotes."
        ),
        Code.NO_DOMAIN: About(
            _R,
            "Neither the file nor the stack says which domain.",
            "Add `domain:`, or set it in the stack's config.",
        ),
        Code.UNKNOWN_ALIAS: About(
            _R,
            "The stack's config does not define this alias.",
            "Correct it, add it under `voiceid-optout:domains`, or choose another `--stack`.",
        ),
        Code.BAD_ALIAS: About(
            _R, "The stack's config gives this alias something that is no domain id.", "Correct the config."
        ),
        Code.DUPLICATE_SPEAKER: About(_R, "A person is listed twice in one file.", "Keep one entry."),
        Code.DUPLICATE_ACROSS_FILES: About(_R, "A person is listed in two files of one domain.", "Keep one entry."),
        Code.LISTED_AND_RELEASED: About(
            _R, "A person is under `speakers` and under `released`.", "Decide which; delete the other."
        ),
    }
)


class Location(NamedTuple):
    """A place in a register file; ``line`` and ``column`` count characters from 1, as editors do.

    A tuple, as other things that each entry has: it is made in a third of a dataclass's time.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong at one place.

    ``message`` tells what to do and carries nothing that the file says: any value may be an identifier.
    ``other`` is the second place where two contradict each other; the message names it too.
    """

    location: Location
    code: Code
    message: str
    other: Location | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.location}: {self.code}: {self.message}"


class RegisterError(Exception):
    """Root of what this package raises."""


class RegisterInvalid(RegisterError):  # noqa: N818 - the name callers know; it is a verdict, not a failure
    """The register cannot be used; ``faults`` are all there are, by file, line and column."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))

    @classmethod
    def at(cls, location: Location, code: Code, message: str) -> Self:
        """One fault, as an error."""
        return cls([Fault(location, code, message)])
