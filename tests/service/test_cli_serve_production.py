"""What ``optout serve`` is told becomes its settings, or one clear error."""

from pathlib import Path
from typing import Any

import click.testing
import pytest

from tests.tables import each_row
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.serve import command
from voiceid_optout.service.auth.quotas import AWS
from voiceid_optout.service.settings import Kind, Limits, SecretSource, Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs the command up to its start and gives the settings."""
    seen: list[Settings] = []
    monkeypatch.setattr("voiceid_optout.service.process.run", lambda chosen, *_, **__: seen.append(chosen))

    def parse(*options: str) -> Settings:
        result = click.testing.CliRunner().invoke(command, ["--data", str(tmp_path), *options])
        assert result.exit_code == 0, result.output
        return seen[-1]

    return parse


def refused(*options: str) -> str:
    result = click.testing.CliRunner().invoke(command, list(options))
    assert result.exit_code == ExitCode.USAGE
    return " ".join(result.stderr.split())


def test_the_defaults_are_safe(settings: Any) -> None:
    chosen = settings()
    assert chosen.access.rates == AWS
    assert chosen.access.replay_window == 900
    assert chosen.access.first_key
    assert not chosen.plain_http
    assert chosen.tls is None
    assert not chosen.admin.hooks
    assert chosen.events.names == ()
    assert not chosen.access_log


def test_quotas(settings: Any, tmp_path: Path) -> None:
    assert settings("--quotas", "none").access.rates == {}
    assert settings("--quotas", "none", "--quota", "ListSpeakers=7").access.rates == {"ListSpeakers": 7.0}
    assert settings("--quota-share", "4").access.rates["OptOutSpeaker"] == 2.5
    assert settings("--quota", "OptOutSpeaker=500").access.rates == {**AWS, "OptOutSpeaker": 500.0}
    path = tmp_path / "quotas.toml"
    path.write_text("OptOutSpeaker = 100\n")
    assert settings("--quotas", str(path)).access.rates == {"OptOutSpeaker": 100.0}


def test_speakers_of_a_domain(settings: Any) -> None:
    assert settings().tenant.limits == Limits(speakers_per_domain=100_000)
    assert settings("--speakers-per-domain", "1000000").tenant.limits == Limits(speakers_per_domain=1_000_000)


def test_limits_and_events(settings: Any, tmp_path: Path) -> None:
    chosen = settings(
        *(
            "--max-connections",
            "5",
            "--max-header-bytes",
            "2048",
            "--request-timeout",
            "1.5",
            "--idle-timeout",
            "2",
        ),
        *("--events-file", str(tmp_path / "events"), "--events-webhook", "https://a/"),
        *("--events-webhook-secret", "env:HOOK", "--admin-port", "0", "--test-hooks", "--no-first-key"),
    )
    limits = chosen.connection_limits
    assert (limits.connections, limits.header_bytes, limits.request_seconds, limits.idle_seconds) == (
        5,
        2048,
        1.5,
        2,
    )
    assert chosen.events.file == tmp_path / "events"
    assert chosen.events.webhook.secret == SecretSource(Kind.ENVIRONMENT, "HOOK")
    assert chosen.admin.hooks
    assert not chosen.access.first_key


@each_row(
    ("options", "words"),
    [
        (("--quotas", "no-such-file"), "no-such-file cannot be read"),
        (("--quota", "OptOutSpeaker"), "write it as OptOutSpeaker=50"),
        (("--quota", "OptOut=5"), "no operation OptOut"),
        (("--quota", "OptOutSpeaker=0"), "above 0"),
        (("--tls-key", "a"), "belong together"),
        (("--events-webhook", "https://a/"), "belong together"),
        (("--events-webhook-secret", "env:A"), "belong together"),
        (("--events-webhook", "https://a/", "--events-webhook-secret", "hush"), "env:NAME or file:PATH"),
        (("--test-hooks",), "needs --admin-port"),
        (("--replay-window", "1"), "--replay-window"),
        (("--speakers-per-domain", "0"), "--speakers-per-domain"),
        (("--speakers-per-domain", "1000000001"), "--speakers-per-domain"),
        (("--admin-port", "8099"), "--port and --admin-port are both 8099"),
        (("--host", "::1", "--admin-host", "::1", "--port", "1234", "--admin-port", "1234"), "are both 1234"),
    ],
)
def test_what_makes_no_sense(options: tuple[str, ...], words: str) -> None:
    assert words in refused(*options)


def test_hooks_on_an_address_of_the_network_do_not_start(tmp_path: Path) -> None:
    options = [
        "--data",
        str(tmp_path),
        "--port",
        "0",
        "--admin-port",
        "0",
        "--admin-host",
        "0.0.0.0",
        "--test-hooks",
    ]
    result = click.testing.CliRunner().invoke(command, options)
    assert result.exit_code == ExitCode.FAILED
    assert "without a signature" in result.stderr
