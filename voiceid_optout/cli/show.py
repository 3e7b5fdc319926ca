"""``optout show``, ``optout label``, ``optout who``: one person, by id or by label."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli import labels
from voiceid_optout.cli.connection import client_settings, environment_for, in_environment
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.known import Mask
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import echo, reported
from voiceid_optout.cli.people_input import line_or_input
from voiceid_optout.evidence import EvidenceError, render_story
from voiceid_optout.evidence.git_history import histories
from voiceid_optout.evidence.runs import runs
from voiceid_optout.evidence.story import join, of_service
from voiceid_optout.files import write_atomic
from voiceid_optout.forge.identifiers import Matcher
from voiceid_optout.register.fields import SPEAKER_ID
from voiceid_optout.speakers import LABEL
from voiceid_optout.state.backend import Backend
from voiceid_optout.voiceid import VoiceIdError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from voiceid_optout.cli.context import Context
    from voiceid_optout.evidence.story import Service, Story
    from voiceid_optout.speakers import LabelKeys

_FORMS = {"text": render_story.as_text, "json": render_story.as_json, "html": render_story.as_html}
_ENDINGS = {".txt": "text", ".json": "json", ".html": "html"}
_NO_ID = "it is neither a speaker id nor a label (sp- and 16 hexadecimal digits)"
_reveal = click.option("--reveal", is_flag=True, help="Show the identifier too, and the reason of the register.")


@click.command(name="show")
@click.argument("who", metavar="ID|LABEL|-")
@with_options(
    *stack_options,
    click.option(
        "--format", "form", type=click.Choice(list(_FORMS)), help="The form.  [default: text, or the file's ending]"
    ),
    click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write it to this file (.txt, .json, .html), readable for you alone.",
    ),
    _reveal,
    click.option("--offline", is_flag=True, help="Do not ask the service."),
)
def show_command(
    *, who: str, root: Path, stack: str, form: str | None, output: Path | None, reveal: bool, offline: bool
) -> None:
    """Tell the story of one person: since when listed, by whom, what the runs did, and what the service says now.

    It comes from Git (HEAD's first-parent line), from the stack's history and from the service. It also works for
    people who were released or taken out of the register. Give `-` to type the id on standard input: arguments are
    seen in the shell's history and in lists of processes.

    \b
    Examples
      $ optout show sp-0b48a3c2f7bd30c4 --stack production
      $ optout show - --stack production --output story.html < id.txt

    Exit codes: 0 done, 1 failed or nobody found, 2 wrong usage, 3 register invalid.
    """  # noqa: D301 - click's own mark for "do not wrap"
    with reported(), ExitStack() as cleanup:
        person = _Person.read(who)
        form = form or (_ENDINGS.get(output.suffix.lower(), "text") if output is not None else "text")
        context = contexts.find(root, stack)
        environment = {} if offline else cleanup.enter_context(environment_for(context))
        notes: list[str] = []
        context, keys, variables = _keys(context, environment)
        stories = list(_stories(context, variables, keys, person, notes.append, reveal=reveal, offline=offline))
        if not stories:
            raise _nobody(person, *notes)
        text = _FORMS[form](stories, notes)
        if output is None:
            echo(text)
        else:
            try:
                write_atomic(output, f"{text}\n".encode())
            except OSError as error:
                raise CommandError(f"cannot write {output}: {error.strerror}") from error


@click.command(name="label")
@click.argument("who", metavar="ID|-")
@with_options(*stack_options)
def label_command(*, who: str, root: Path, stack: str) -> None:
    """Print the label of a person, listed or not.

    Where the stack has several domains and the register does not list the person, there is a line for each domain:
    the label, and the domain.

    \b
    Example: the id is typed on standard input, so that no history of a shell keeps it
      $ optout label - --stack production < id.txt

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 register invalid.
    """  # noqa: D301 - click's own mark for "do not wrap"
    with reported():
        person = _Person.read(who)
        if person.speaker_id is None:
            raise CommandError("that is a label already: give an id", ExitCode.USAGE)
        context, keys, _ = _keys(contexts.find(root, stack), {})
        found = {entry.domain_id for entry in context.register.entries if entry.speaker_id == person.speaker_id}
        aliases, default = context.domains()
        domains = found or {*aliases.values(), *([aliases.get(default, default)] if default else ())}
        made = {domain: keys.labels(domain, person.speaker_id)[0] for domain in sorted(map(str, domains))}
        for domain, label in made.items():
            echo(label if len(made) == 1 else f"{label}  {domain}")
        if not made:
            raise CommandError("the stack has no domain and the register does not list them", ExitCode.USAGE)


@click.command(name="who")
@click.argument("label", metavar="LABEL")
@with_options(*stack_options, _reveal)
def who_command(*, label: str, root: Path, stack: str, reveal: bool) -> None:
    """Print where the register lists the person of a label, and with --reveal the id.

    Without --reveal the id does not appear: the place leads to it for everybody who may read the register.

    \b
    Example
      $ optout who sp-0b48a3c2f7bd30c4 --stack production
      config/people.yaml:12

    Exit codes: 0 done, 1 failed or nobody found, 2 wrong usage, 3 register invalid.
    """  # noqa: D301 - click's own mark for "do not wrap"
    with reported():
        person = _Person.read(label)
        if person.label is None:
            raise CommandError("give a label: sp- and 16 hexadecimal digits", ExitCode.USAGE)
        context, keys, variables = _keys(contexts.find(root, stack), {})
        everybody = context.register.entries
        entry = next((one for one in everybody if person.fits(keys, one.domain_id, one.speaker_id)), None)
        if entry is None:
            raise _nobody(person, "it lists nobody of this label now; `optout show` looks in the past too")
        names = {keys.label(one) for one in context.register.entries}
        place = Mask(context, variables, names, lambda _: None).place(f"{entry.file}:{entry.line}")
        echo(f"{place}  {entry.speaker_id}" if reveal else place)


@dataclass(frozen=True)
class _Person:
    """Who is asked for: an id or a label."""

    speaker_id: str | None = field(default=None, repr=False)
    label: str | None = None

    @classmethod
    def read(cls, text: str) -> _Person:
        """Read the argument; raises CommandError, without it, for what is neither."""
        text = line_or_input(text, "the id or label").strip()
        if LABEL.fullmatch(text):
            return cls(label=text)
        if SPEAKER_ID.problem(text, plain=False) is not None:
            raise CommandError(_NO_ID, ExitCode.USAGE)
        return cls(speaker_id=text)

    def fits(self, keys: LabelKeys, domain_id: str, speaker_id: str) -> bool:
        """Tell whether somebody is the one."""
        if self.label is None:
            return speaker_id == self.speaker_id
        return self.label in keys.labels(domain_id, speaker_id)


def _keys(context: Context, environment: Mapping[str, str]) -> tuple[Context, LabelKeys, dict[str, str]]:
    """Return the stack and the keys of its labels; raises CommandError where it has none."""
    context, variables = labels.provided(
        context, environment, labels.Missing.REFUSE, lambda text: echo(text, err=True)
    )
    variables = {**environment, **variables}
    return context, contexts.label_keys(context, variables), variables


def _nobody(person: _Person, *notes: str) -> CommandError:
    what = "label" if person.label is not None else "id"
    return CommandError(
        "\n".join([*notes, f"nobody of this {what} is in the register, or was as far as Git tells"])
    )


def _stories(
    context: Context,
    environment: Mapping[str, str],
    keys: LabelKeys,
    person: _Person,
    say: Callable[[str], None],
    *,
    reveal: bool,
    offline: bool,
) -> Iterator[Story]:
    domains, default = context.domains()
    try:
        found = histories(
            context.project.root,
            context.register_folder,
            lambda one: person.fits(keys, *one),
            domains=domains,
            default_domain=default,
            environment=context.environment,
            say=say,
        )
    except EvidenceError as error:
        say(str(error))
        found = {}
    everybody = {(entry.domain_id, entry.speaker_id): entry for entry in context.register.entries}
    entries = {who: entry for who, entry in everybody.items() if person.fits(keys, *who)}
    known = Mask(context, environment, {keys.label(entry) for entry in context.register.entries}, say)
    for domain_id, speaker_id in sorted(found.keys() | entries.keys()):
        own = Matcher({speaker_id: "who is asked for"})
        names = keys.labels(domain_id, speaker_id)
        yield join(
            names[0],
            domain_id,
            speaker_id if reveal else None,
            entries.get((domain_id, speaker_id)),
            found.get((domain_id, speaker_id)),
            _runs(context, environment, (domain_id, speaker_id), set(names), say),
            None if offline else _asked(context, environment, domain_id, speaker_id),
            lambda text, own=own: own.masked(known(text)),  # type: ignore[misc]  # a default binds it
        )


def _runs(
    context: Context,
    environment: Mapping[str, str],
    who: tuple[str, str],
    names: set[str],
    say: Callable[[str], None],
) -> tuple[Any, ...]:
    if context.remote_backend:
        say("the state is in a remote backend: what its runs did to a person is not in this folder")
        return ()
    folder = Backend(context.backend(), context.project.name, context.stack).history_folder
    opened: dict[str, Callable[[str], str]] = {}

    def unseal(salt: str) -> Callable[[str], str]:
        if salt not in opened:
            opened[salt] = context.crypter(environment, salt).decrypt
        return opened[salt]

    return runs(folder, *who, names, unseal, say)


def _asked(context: Context, environment: Mapping[str, str], domain_id: str, speaker_id: str) -> Service:
    from voiceid_optout.voiceid.client import Client  # noqa: PLC0415 - not for --help

    try:
        with in_environment(environment), closing(Client(client_settings(context, environment))) as client:
            return of_service(client.describe(domain_id, speaker_id), datetime.now(UTC))
    except VoiceIdError as error:
        raise CommandError(f"{error}; --offline leaves the service out") from error
