"""``optout report``: of everybody, when the objection came, when it was listed and applied, and the status now."""

from __future__ import annotations

import io
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import click

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli import labels
from voiceid_optout.cli.connection import client_settings, environment_for, in_environment
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.keys import signer
from voiceid_optout.cli.labels import Missing
from voiceid_optout.cli.options import quiet_option, stack_options, with_options
from voiceid_optout.cli.output import reported
from voiceid_optout.cli.screen import Screen
from voiceid_optout.evidence import EvidenceError, Header, time_text
from voiceid_optout.evidence.document import write
from voiceid_optout.evidence.git_history import listings
from voiceid_optout.evidence.render_report import Table, overdue_lines, summary_lines, title
from voiceid_optout.evidence.report import OVERDUE_DAYS, SummaryMaker, is_overdue
from voiceid_optout.evidence.report_html import write_html
from voiceid_optout.evidence.repository import Repository
from voiceid_optout.evidence.rows import Rows
from voiceid_optout.evidence.versions import is_register_name
from voiceid_optout.files import atomic
from voiceid_optout.forge.identifiers import Matcher
from voiceid_optout.plan import people
from voiceid_optout.speakers import GENERATED_ID_MARK
from voiceid_optout.voiceid import UnknownDomain, VoiceIdError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from voiceid_optout.cli.context import Context
    from voiceid_optout.evidence import Row, Signature
    from voiceid_optout.evidence.git_history import Listing
    from voiceid_optout.evidence.report import Summary
    from voiceid_optout.speakers import LabelKeys
    from voiceid_optout.voiceid.client import Client

STANDARD_OUTPUT = Path("-")
_ROOT_DIGITS = 64
_GENERATED_ID = 22  # characters of what the service gives
_SHOWN = 20  # overdue people on the screen
_file = partial(click.Path, dir_okay=False, allow_dash=True, path_type=Path)


@click.command(name="report")
@with_options(
    *stack_options,
    click.option("--html", "html", type=_file(), help="Write a page that needs nothing else, not even a network."),
    click.option("--csv", "csv", type=_file(), help="Write a table for spreadsheets, a row a person."),
    click.option("--json", "json", type=_file(), help="Write the report that can be verified, signed if a key is."),
    click.option("--reveal", is_flag=True, help="Show the ids of the register in HTML and CSV. JSON has none."),
    click.option(
        "--previous",
        metavar="FILE|ROOT",
        help="The JSON report before, or its root: the new one names it, so that a missing report is seen.",
    ),
    click.option(
        "--overdue-days",
        type=click.IntRange(0, 36_500),
        default=OVERDUE_DAYS,
        show_default=True,
        help="An opt-out that does not hold is overdue after so many days.",
    ),
    quiet_option,
)
def command(
    *,
    root: Path,
    stack: str,
    html: Path | None,
    csv: Path | None,
    json: Path | None,
    reveal: bool,
    previous: str | None,
    overdue_days: int,
    quiet: bool,
) -> None:
    """Tell of everybody when the objection came, since when the register lists them, since when the service has
    them opted out, and their status now. Nothing is changed.

    The times come from the register, from Git and from the service; labels stand for people. The command reads all
    domains of the stack once, at the pace of their quotas, and needs no right but to list speakers. `-` as a file
    is standard output.

    \b
    Example: every night
      $ optout report --stack production --json report.json --html report.html --previous last-report.json
      $ optout report --stack production --csv - --quiet | gzip > report.csv.gz

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 register invalid, 10 somebody is overdue.
    """  # noqa: D301 - click's own mark for "do not wrap"
    files = Files(html, csv, json)
    with reported(), _told_as_ours():
        screen = Screen.of(as_json=files.one_is_standard_output(), quiet=quiet)
        context = contexts.find(root, stack)
        before = _root_of(previous, context)
        _ = context.register  # an invalid one ends the command before anything is started
        with environment_for(context) as environment, in_environment(environment):
            context, variables = labels.provided(context, environment, Missing.REFUSE, screen.warn)
            maker = Maker(context, {**environment, **variables}, screen)
            rows = maker.rows()
            header = maker.header(len(rows), overdue_days, before)
            outcome = files.write(header, rows, maker, reveal=reveal)
        _show(screen, context, header, outcome)
    if outcome.overdue_count:
        sys.exit(ExitCode.OVERDUE)


@contextmanager
def _told_as_ours() -> Iterator[None]:
    try:
        yield
    except (EvidenceError, VoiceIdError) as error:
        raise CommandError(str(error)) from error


def _root_of(previous: str | None, context: Context) -> str | None:
    """Return the root of the report before; of a file every byte is checked, and the signature."""
    if previous is None:
        return None
    from voiceid_optout.evidence.verification import whole  # noqa: PLC0415 - not for --help

    if len(previous) == _ROOT_DIGITS and not set(previous.lower()) - set("0123456789abcdef"):
        return previous.lower()
    try:
        with Path(previous).open("rb") as file:
            report = whole(file)
    except OSError as error:
        raise CommandError(
            f"--previous is neither a root of {_ROOT_DIGITS} hexadecimal digits nor a file that can be read: "
            f"{error.strerror}",
            ExitCode.USAGE,
        ) from None
    except EvidenceError as error:
        raise CommandError(f"--previous: {error}", ExitCode.NOT_VERIFIED) from None
    if (report.header.project, report.header.stack) != (context.project.name, context.stack):
        raise CommandError("--previous is the report of another project or stack", ExitCode.USAGE)
    return report.root


@dataclass
class Maker:
    """Gathers what a report is made from."""

    context: Context
    environment: Mapping[str, str] = field(repr=False)
    screen: Screen

    def rows(self) -> Rows:
        """Read the domains and, at the same time, Git."""
        rows = Rows(self.context.register.entries, self.keys.current, self._hidden)
        self._rows = rows
        said: list[str] = []
        with ThreadPoolExecutor(1, "git") as pool:
            history = pool.submit(self._listings, said.append)
            self._walk(rows)
            rows.listed(history.result())
        for words in dict.fromkeys(said):
            self.screen.note(f"note: {words}.")
        return rows

    @cached_property
    def keys(self) -> LabelKeys:
        return contexts.label_keys(self.context, self.environment)

    def header(self, count: int, overdue_days: int, previous: str | None) -> Header:
        """Return what the report says of itself."""
        return Header(
            project=self.context.project.name,
            stack=self.context.stack,
            made_at=time_text(int(time.time())),
            commit=self._commit(),
            people=count,
            overdue_days=overdue_days,
            previous=previous,
            tool=f"voiceid-optout {version('voiceid-optout')}",
        )

    def _commit(self) -> str | None:
        """Return the commit that has the register as it was read; None if there is none."""
        repository = Repository(self.context.project.root, self.context.environment)
        commit = repository.commit("HEAD")
        folder = str(self.context.register_folder.resolve())
        words = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
        changed = [os.fsdecode(line[3:]) for line in repository.asked(*words, "--", folder).split(b"\0")]
        if commit and any(map(is_register_name, changed)):
            self.screen.warn(
                "warning: the register has changes that are not committed: the report names no commit, and Git "
                "cannot tell when they were listed"
            )
            return None
        return commit or None

    def _listings(self, say: Callable[[str], None]) -> dict[tuple[str, str], Listing]:
        domains, default = self.context.domains()
        return listings(
            self.context.project.root,
            self.context.register_folder,
            domains=domains,
            default_domain=default,
            environment=self.context.environment,
            say=say,
        )

    def _walk(self, rows: Rows) -> None:
        from voiceid_optout.voiceid.client import Client  # noqa: PLC0415 - not for --help

        domains, default = self.context.domains()
        listed = {entry.domain_id for entry in self.context.register.entries}
        configured = {*domains.values(), *self.context.register.domain_ids.values(), *filter(None, [default])}
        with self.screen.working("Reading pages of 100 speakers", None, lasting=False) as progress:
            settings = client_settings(self.context, self.environment)
            client = Client(settings, on_wait=lambda _operation, _seconds: progress.waits("waiting for the quota"))
            with closing(client):
                for domain_id in sorted(listed | configured):
                    try:
                        _read(client, domain_id, rows, progress)
                    except UnknownDomain:
                        if domain_id in listed:
                            raise
                        self.screen.note(
                            f"note: the service has no domain {domain_id}, and nobody is listed in it."
                        )

    def _hidden(self, text: str) -> str:
        if len(text) < self._shortest and text.isascii():  # as most tickets are: nobody's identifier finds room
            return text
        return self._matcher.masked(text)

    @cached_property
    def _shortest(self) -> int:
        lengths = (len(one.removeprefix(GENERATED_ID_MARK)) for one in self._rows.identifiers())
        return min(chain([_GENERATED_ID], lengths))

    @cached_property
    def _matcher(self) -> Matcher:
        return Matcher(dict.fromkeys(self._rows.identifiers(), ""))


def _read(client: Client, domain_id: str, rows: Rows, progress: Any) -> None:
    for page in client.list_pages(domain_id):
        rows.take(domain_id, page, time.time())
        progress.advance()
    rows.end(domain_id, time.time())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there is to say when all is written."""

    summary: Summary
    overdue: tuple[Row, ...]  # the first ones
    overdue_count: int
    root: str | None
    signature: Signature | None
    written: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Files:
    """Where a report goes, by its forms."""

    html: Path | None = None
    csv: Path | None = None
    json: Path | None = None

    def paths(self) -> tuple[Path, ...]:
        """Return those that were asked for."""
        return tuple(path for path in (self.html, self.csv, self.json) if path is not None)

    def one_is_standard_output(self) -> bool:
        """Tell whether a form goes to standard output; raises click.UsageError where two have one place."""
        paths = [path if path == STANDARD_OUTPUT else path.resolve() for path in self.paths()]
        if len(set(paths)) < len(paths):
            raise click.UsageError("--html, --csv and --json need a place each")
        return STANDARD_OUTPUT in paths

    def write(self, header: Header, rows: Rows, maker: Maker, *, reveal: bool) -> Outcome:
        """Write all forms; a file is whole or not there."""
        sign = _Signer(signer(maker.context, maker.environment) if self.json is not None else None)
        names = rows.names() if reveal and (self.csv is not None or self.html is not None) else None
        mode = 0o600 if reveal else 0o644
        counted = _Counted(header)
        root = None
        with ExitStack() as stack:
            table = Table(stack.enter_context(_text(self.csv, mode)), header, names) if self.csv else None
            through = counted.through(rows, table)
            if self.json is not None:
                with _opened(self.json, 0o644) as binary:
                    root = write(binary, header, through, sign.sign)
            else:
                for _ in through:
                    pass
        summary = counted.maker.summary()
        if self.html is not None:
            with _text(self.html, mode) as out:
                write_html(out, header, summary, rows, root=root, names=names, signature=sign.signature)
        return Outcome(summary, tuple(counted.first), counted.overdue, root, sign.signature, self.paths())


class _Signer:
    """Signs a root, if there is a key, and keeps the signature for the other forms."""

    def __init__(self, by_key: Callable[[bytes], Signature] | None) -> None:
        self.signature: Signature | None = None
        self.sign = None if by_key is None else self._kept
        self._by_key = by_key

    def _kept(self, root: bytes) -> Signature:
        assert self._by_key is not None  # noqa: S101 - else this is not what signs
        self.signature = self._by_key(root)
        return self.signature


class _Counted:
    """Counts rows on their way to the document."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.maker = SummaryMaker(header)
        self.overdue = 0
        self.first: list[Row] = []

    def through(self, rows: Rows, table: Table | None) -> Iterator[Row]:
        for row in rows:
            self.maker.add(row)
            if is_overdue(row, self.header):
                self.overdue += 1
                if len(self.first) < _SHOWN:
                    self.first.append(row)
            if table is not None:
                table.add(row)
            yield row


@contextmanager
def _opened(path: Path, mode: int) -> Iterator[BinaryIO]:
    if path == STANDARD_OUTPUT:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with atomic(path, mode) as stream:
            yield stream
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def _text(path: Path, mode: int) -> Iterator[TextIO]:
    with _opened(path, mode) as binary:
        text = io.TextIOWrapper(binary, "utf-8", newline="")  # a form writes its own line ends
        yield text
        text.detach()


def _show(screen: Screen, context: Context, header: Header, outcome: Outcome) -> None:
    screen.say(title(header), "bold")
    for line in summary_lines(
        outcome.summary, {domain_id: alias for alias, domain_id in context.domains()[0].items()}
    ):
        screen.say(line)
    for line in overdue_lines(outcome.overdue, outcome.overdue_count, header):
        screen.warn(line)
    if any(domain.unlisted for domain in outcome.summary.domains):
        screen.say("Who is opted out and not listed stays opted out; `optout adopt` lists them.", "dim")
    if outcome.root is not None:
        screen.say(f"Root: {outcome.root}, {'not signed' if outcome.signature is None else 'signed'}")
    files = ", ".join(str(path) for path in outcome.written if path != STANDARD_OUTPUT)
    screen.tell(f"Wrote {files}." if files else f"{people(header.people)} in the report.")
