"""Edits of texts, judged as the commands judge them."""

from collections.abc import Sequence

from tests.register.conftest import DOMAINS, SANDBOX
from voiceid_optout.register import Ensure, Register, load_texts
from voiceid_optout.register.edit import FileChange, Given, Person, to_add, to_release, verify
from voiceid_optout.register.rewrite import Rewritten, rewrite

FILE = "config/people.yaml"


def load(text: str) -> Register:
    return load_texts([(FILE, text.encode())], [], domains=DOMAINS, default_domain="sandbox")


def change(text: str, edit: FileChange, comments: Sequence[tuple[str, str]] | None = None) -> Rewritten:
    """Make a change; what comes out is valid, and what was asked for."""
    places = [entry.location for entry in edit.remove]
    new = rewrite(text, FILE, add=edit.add, remove=places, not_opted_out=comments)
    verify(load(text), load(new.text), {FILE: edit})
    return new


def add(text: str, *people: Person) -> str:
    given = [Given("there", person) for person in people]
    return change(text, to_add(load(text), given, domain_id=SANDBOX, file=FILE)[FILE]).text


def release(text: str, *ids: str) -> str:
    given = [Given("there", Person(id_, {"reason": "consented"})) for id_ in ids]
    return change(text, to_release(load(text), given, within=[FILE])[FILE]).text


def adopt(text: str, people: Sequence[str], comments: Sequence[tuple[str, str]]) -> str:
    edit = FileChange()
    edit.add[Ensure.OPTED_OUT] += [Person(id_) for id_ in people]
    return change(text, edit, comments).text
