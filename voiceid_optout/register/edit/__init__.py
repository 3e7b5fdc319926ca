"""Edits of register files, made as a person makes them: lines come and go, every other byte stays.

A YAML library that writes a document anew (ruamel.yaml was tried) normalises indentation and spacing, and takes a
minute for 100,000 entries. Here the parser only says where things are; text is put in and taken out there, and
the loader judges the result before anybody sees it.
"""

from voiceid_optout.register.edit.decide import (
    CannotEdit,
    FileChange,
    Given,
    Person,
    Refused,
    to_add,
    to_adopt,
    to_release,
    verify,
)
from voiceid_optout.register.edit.diff import redacted
from voiceid_optout.register.edit.rewrite import Rewritten, rewrite

__all__ = [
    "CannotEdit",
    "FileChange",
    "Given",
    "Person",
    "Refused",
    "Rewritten",
    "redacted",
    "rewrite",
    "to_add",
    "to_adopt",
    "to_release",
    "verify",
]
