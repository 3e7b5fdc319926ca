"""A walk through a domain of the service, kept on disk: one that is cut short goes on where it ended."""

from __future__ import annotations

import fcntl
import io
import json
import os
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Self

from voiceid_optout.cli.connection import client_settings, environment_for, in_environment, make_private
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.screen import WorkProgress
from voiceid_optout.files import read_json
from voiceid_optout.voiceid import RequestInvalid, VoiceIdError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from voiceid_optout.cli.context import Context
    from voiceid_optout.cli.output import Console
    from voiceid_optout.voiceid import Speaker
    from voiceid_optout.voiceid.client import Client

VERSION = 1
LIFETIME_SECONDS = 24 * 3600.0  # how long the service keeps a token; what was read is no fresher either


@dataclass(frozen=True, slots=True)
class Seen:
    """A speaker as a page showed it; ``names``: customer's id, if there is one, and generated id."""

    names: tuple[str, ...] = field(repr=False)
    status: str


class PageFile:
    """A JSON line for the walk, then one a page; readable by its owner alone. A context manager."""

    def __init__(
        self, path: Path | None, domain_id: str, place: str, clock: Callable[[], float] = time.time
    ) -> None:
        """``place`` names the endpoint: pages of another one are of no use. Without a path nothing is kept."""
        self.path = path
        self.pages = 0
        self.token: str | None = None
        self.complete = False
        self.outdated = False
        self._seen: dict[str, Seen] = {}
        self._header = {"version": VERSION, "domain": domain_id, "place": place}
        self._clock = clock
        self._file: IO[str]

    def __enter__(self) -> Self:
        if self.path is None:
            self._file = io.StringIO()
            self.start_over()
            return self
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CommandError(f"cannot open {self.path}: {error.strerror}") from error
        self._file = os.fdopen(handle, "r+", encoding="utf-8", newline="\n")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise CommandError("another run adopts this domain just now: wait for it", ExitCode.LOCKED) from None
        self._load()
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def speakers(self) -> Iterable[Seen]:
        """Everybody seen, once, as last seen."""
        return self._seen.values()

    def append(self, page: Iterable[Speaker], token: str | None) -> None:
        """Keep a page and the token of the next one."""
        rows = [[speaker.customer_speaker_id, speaker.generated_speaker_id, speaker.status] for speaker in page]
        self._take({"next": token, "speakers": rows})
        self._write({"next": token, "speakers": rows})

    def start_over(self) -> None:
        """Forget all pages."""
        self._seen.clear()
        self.pages, self.token, self.complete = 0, None, False
        self._file.seek(0)
        self._file.truncate()
        self._write({**self._header, "started": self._clock()})

    def remove(self) -> None:
        """Delete the file: its pages are used."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _load(self) -> None:
        """Read what an earlier run kept; a line that was being written when that run was killed is dropped."""
        lines = self._file.read().splitlines(keepends=True)
        kept = 0
        try:
            header = read_json(lines[0])
            started = header.pop("started")
            self.outdated = header == self._header and self._clock() - started > LIFETIME_SECONDS
            fits = header == self._header and not self.outdated
        except (IndexError, ValueError, KeyError, AttributeError, TypeError):
            fits = False
        if not fits:
            self.start_over()
            return
        for line in lines[1:]:
            try:
                self._take(read_json(line))
            except (ValueError, KeyError, TypeError):
                break
            kept += 1
        self._file.seek(0)
        self._file.truncate()
        self._file.writelines(lines[: kept + 1])
        self._file.flush()

    def _take(self, page: dict[str, Any]) -> None:
        token = page["next"]
        for customer_id, generated_id, status in page["speakers"]:
            names = (generated_id,) if customer_id is None else (customer_id, generated_id)
            self._seen[generated_id] = Seen(names, status)
        self.pages += 1
        self.token, self.complete = token, token is None

    def _write(self, document: dict[str, Any]) -> None:
        self._file.write(json.dumps(document) + "\n")
        self._file.flush()


@contextmanager
def read_domain(context: Context, domain_id: str, console: Console, *, keep: bool) -> Iterator[PageFile]:
    """Give all pages of a domain, those first that an earlier run has read; not to ``keep`` them takes no file."""
    from voiceid_optout.voiceid.client import Client  # noqa: PLC0415 - not for --help

    with environment_for(context) as environment, in_environment(environment):
        if keep:
            make_private(context.data_folder)
        try:
            settings = client_settings(context, environment)
            client = Client(
                settings,
                on_wait=lambda _operation, seconds: console.print(
                    f"Waiting {seconds:.0f} s for the service's quota."
                ),
            )
        except VoiceIdError as error:
            raise CommandError(str(error)) from error
        path = context.data_folder / f"adopt-{domain_id}.jsonl" if keep else None
        with closing(client), PageFile(path, domain_id, settings.place()) as pages:
            if pages.outdated:
                console.print("What an earlier run had read is older than a day: starting anew.")
            if pages.pages:
                console.print(f"Going on after {pages.pages:,} pages that an earlier run has read.")
            with WorkProgress(console, "Reading pages of 100 speakers", None) as progress:
                _walk(client, domain_id, pages, progress, console)
            yield pages


def _walk(client: Client, domain_id: str, pages: PageFile, progress: WorkProgress, console: Console) -> None:
    resumed = pages.token is not None
    while not pages.complete:
        try:
            page, token = client.list_page(domain_id, pages.token)
        except RequestInvalid as error:
            if not resumed:
                raise CommandError(str(error)) from error
            console.print("The service does not go on where the earlier run ended: starting anew.")
            pages.start_over()
            resumed = False
            continue
        except VoiceIdError as error:
            kept = (
                f"; {pages.pages:,} pages are kept, run this again to go on" if pages.pages and pages.path else ""
            )
            raise CommandError(f"{error}{kept}") from error
        resumed = False
        pages.append(page, token)
        progress.advance()
