"""The options of ``optout serve`` that production needs: access, TLS, quotas, limits, events, logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli.options import with_options
from voiceid_optout.model import load_model
from voiceid_optout.service.settings import (
    AccessSettings,
    AdminSettings,
    ConnectionLimits,
    EventSinks,
    Limits,
    SecretError,
    SecretSource,
    Tenant,
    TlsFiles,
    WebhookSettings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


AWS_QUOTAS = "aws"
NO_QUOTAS = "none"
_MOST_SPEAKERS = 1_000_000_000  # the column of the count holds twice as many

_FILE = click.Path(path_type=Path, dir_okay=False)

_ACCESS = (
    click.option(
        "--first-key/--no-first-key",
        default=True,
        show_default=True,
        help="Make an admin key in the data folder's file credentials at the first start, and take the keys in it. "
        "Without: only keys of `optout serve keys`.",
    ),
    click.option(
        "--replay-window",
        type=click.IntRange(10, 24 * 3600),
        default=15 * 60,
        show_default=True,
        metavar="SECONDS",
        help="How far the date of a request may be from this machine's clock.",
    ),
)
_TLS = (
    click.option(
        "--tls-certificate", type=_FILE, help="PEM file: the certificate, then its chain. Read anew on SIGHUP."
    ),
    click.option(
        "--tls-key", type=_FILE, help="PEM file: its key, without a passphrase, not readable by everybody."
    ),
    click.option(
        "--insecure-plain-http",
        is_flag=True,
        help="Allow an address that other machines reach without TLS: for a proxy in front that does it.",
    ),
)
_QUOTAS = (
    click.option(
        "--quotas",
        default=AWS_QUOTAS,
        show_default=True,
        metavar="aws|none|FILE",
        help="Calls a second, by key and operation: AWS's, none, or those of a TOML file: OptOutSpeaker = 50.",
    ),
    click.option(
        "--quota",
        "quota",
        multiple=True,
        metavar="OPERATION=RATE",
        help="Another rate for one operation. Repeatable.",
    ),
    click.option(
        "--quota-share",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        metavar="N",
        help="This process is one of N behind one address, and gives an Nth of every quota.",
    ),
    click.option(
        "--speakers-per-domain",
        type=click.IntRange(1, _MOST_SPEAKERS),
        default=Limits().speakers_per_domain,
        show_default=True,
        metavar="N",
        help="How many speakers a domain may hold, opted-out ones included. The default is AWS's.",
    ),
)
_LIMITS = (
    click.option(
        "--max-connections",
        type=click.IntRange(1),
        default=1000,
        show_default=True,
        help="More are refused with 503.",
    ),
    click.option(
        "--max-header-bytes",
        type=click.IntRange(1024),
        default=16 * 1024,
        show_default=True,
        help="Larger heads of requests are refused with 431.",
    ),
    click.option(
        "--request-timeout",
        type=click.FloatRange(0, min_open=True),
        default=20.0,
        show_default=True,
        metavar="SECONDS",
        help="A request must arrive within this time, and its answer be taken.",
    ),
    click.option(
        "--idle-timeout",
        type=click.FloatRange(0, min_open=True),
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help="A connection is closed after so long without a request.",
    ),
)
_EVENTS = (
    click.option("--events-file", type=_FILE, help="Append speaker events there, one JSON object a line."),
    click.option("--events-webhook", metavar="URL", help="POST speaker events there, signed."),
    click.option(
        "--events-webhook-secret",
        metavar="REFERENCE",
        help="Where the secret is that signs them: env:NAME or file:PATH.",
    ),
)
_WATCHING = (
    click.option(
        "--admin-host",
        default="127.0.0.1",
        show_default=True,
        help="Address of the admin port; another one for a monitor elsewhere. Plain HTTP, no signatures.",
    ),
    click.option(
        "--test-hooks",
        is_flag=True,
        help="Let the admin port change people's data without a signature. For tests and sandboxes.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        help="Log what the service does on standard error, a line each.  [default: warnings and errors only]",
    ),
    click.option(
        "--access-log", is_flag=True, help="Log every request: operation, outcome, time, key. Never people."
    ),
)

production_options: Callable[[Any], Any] = with_options(*_ACCESS, *_TLS, *_QUOTAS, *_LIMITS, *_EVENTS, *_WATCHING)


def production_settings(
    choices: dict[str, Any], region: str, admin_port: int | None, address: tuple[str, int]
) -> dict[str, Any]:
    """Return the members of the service's Settings that these options decide; raises click's UsageError."""
    if choices["test_hooks"] and admin_port is None:
        raise click.UsageError("--test-hooks needs --admin-port")
    if admin_port and (choices["admin_host"], admin_port) == address:
        raise click.UsageError(f"--port and --admin-port are both {admin_port}; choose two, or 0 for any free one")
    rates = quota_rates(choices["quotas"], choices["quota"])
    return {
        "tenant": Tenant(region, limits=Limits(speakers_per_domain=choices["speakers_per_domain"])),
        "tls": _tls(choices["tls_certificate"], choices["tls_key"]),
        "plain_http": choices["insecure_plain_http"],
        "connection_limits": ConnectionLimits(
            connections=choices["max_connections"],
            header_bytes=choices["max_header_bytes"],
            request_seconds=choices["request_timeout"],
            idle_seconds=choices["idle_timeout"],
        ),
        "access": AccessSettings(
            first_key=choices["first_key"],
            rates={name: rate / choices["quota_share"] for name, rate in rates.items()},
            replay_window=choices["replay_window"],
        ),
        "admin": AdminSettings(port=admin_port, host=choices["admin_host"], hooks=choices["test_hooks"]),
        "events": EventSinks(
            file=choices["events_file"],
            webhook=_webhook(choices["events_webhook"], choices["events_webhook_secret"]),
        ),
        "access_log": choices["access_log"],
    }


def secret_source(reference: str, option: str) -> SecretSource:
    """Return what a reference to a secret stands for; raises click's UsageError."""
    try:
        return SecretSource.parse(reference)
    except SecretError as error:
        raise click.UsageError(f"{option}: {error}") from error


def _tls(certificate: Path | None, key: Path | None) -> Any:
    if (certificate is None) != (key is None):
        raise click.UsageError("--tls-certificate and --tls-key belong together")
    return TlsFiles(certificate, key) if certificate and key else None


def _webhook(url: str | None, secret: str | None) -> WebhookSettings | None:
    if (url is None) != (secret is None):
        raise click.UsageError(
            "--events-webhook and --events-webhook-secret belong together: every request is signed"
        )
    return WebhookSettings(url, secret_source(secret, "--events-webhook-secret")) if url and secret else None


def quota_rates(quotas: str, overrides: Iterable[str]) -> dict[str, float]:
    """Return calls a second by operation; raises click's UsageError."""
    from voiceid_optout.service.auth.quotas import AWS, QuotaError, checked_rates, read_rates  # noqa: PLC0415

    known = load_model()["operations"]
    single: dict[str, Any] = {}
    for text in overrides:
        name, _, rate = text.partition("=")
        try:
            single[name] = float(rate)
        except ValueError:
            raise click.UsageError(f"--quota {text}: write it as OptOutSpeaker=50") from None
    try:
        base = {AWS_QUOTAS: dict(AWS), NO_QUOTAS: {}}.get(quotas)
        rates = read_rates(Path(quotas), known) if base is None else base
        return rates | checked_rates(single, known, "--quota")
    except QuotaError as error:
        raise click.UsageError(str(error)) from error
