"""Reads a whole domain, page by page at the pace of its quota, and keeps what it has read."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from voiceid_optout.cli.connection import client_settings, in_environment
from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.page_file import PageFile
from voiceid_optout.cli.progress import WorkProgress
from voiceid_optout.cli.sandbox import environment_for, make_private
from voiceid_optout.voiceid import Client, RequestInvalid, VoiceIdError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from voiceid_optout.cli.context import Context


@contextmanager
def read_domain(context: Context, domain_id: str, console: Console, *, keep: bool) -> Iterator[PageFile]:
    """Give all pages of a domain, those first that an earlier run has read; not to ``keep`` them takes no file."""
    with environment_for(context) as environment, in_environment(environment):
        if keep:
            make_private(context.data_folder)
        try:
            settings = client_settings(context, environment)
            client = Client(settings, on_wait=lambda _operation, seconds: console.print(_waiting(seconds)))
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


def _waiting(seconds: float) -> str:
    return f"Waiting {seconds:.0f} s for the service's quota."
