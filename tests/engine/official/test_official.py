"""The engine with a stand-in that plays back what the real CLI has said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.official.stand_in import Play, StandIn
from voiceid_optout.engine import program_providers
from voiceid_optout.engine.interface import Operation, Outcome, Result
from voiceid_optout.engine.official import OfficialEngine
from voiceid_optout.state import (
    PassphraseError,
    ProjectError,
    StackError,
    StackLockedError,
)

if TYPE_CHECKING:
    from tests.engine.bench import Bench
    from tests.engine.official.conftest import Perform

LOCKED = (
    "error: the stack is currently locked by 1 lock(s).\n"
    "  file:///s/dev/4f1a.json?no_tmp_dir=true: created by ann@vm (pid 8957) at 2026-11-22T13:15:51Z"
)


def asked(stand_in: StandIn) -> list[str]:
    arguments: list[str] = stand_in.calls()[-1]["arguments"]
    place = arguments.index("--event-log")
    return arguments[:place] + arguments[place + 2 :]


@pytest.mark.parametrize(
    ("operation", "options", "arguments"),
    [
        ("preview", {"refresh": True}, ["preview", "--refresh"]),
        ("preview", {"targets": ("urn:a", "urn:b")}, ["preview", "--target", "urn:a", "--target", "urn:b"]),
        ("up", {"refresh": True}, ["up", "--yes", "--skip-preview", "--refresh"]),
        ("up", {"continue_on_error": True, "message": "m"}, ["up", "--continue-on-error", "--message", "m"]),
        ("refresh", {"parallel": 3}, ["refresh", "--skip-preview", "--yes", "--parallel", "3"]),
        ("drift", {}, ["refresh", "--preview-only"]),
        ("destroy", {"continue_on_error": True}, ["destroy", "--yes", "--skip-preview", "--continue-on-error"]),
    ],
)
def test_what_the_cli_is_asked(
    operation: str, options: dict[str, Any], arguments: list[str], stand_in: StandIn, perform: Perform
) -> None:
    stand_in.play(Play(recording="drift"))
    ran = perform(operation, **options)
    assert ran.outcome == Outcome(Result.SUCCEEDED)
    given = asked(stand_in)
    assert [item for item in given if item in arguments] == arguments or set(arguments) <= set(given)
    assert given[-2:] == ["--stack", "dev"]
    assert "--show-secrets" not in given
    assert ("--refresh" in given) == options.get("refresh", False)


def test_only_the_operation_itself_is_asked(stand_in: StandIn, perform: Perform) -> None:
    stand_in.play(Play(recording="create"))
    perform("up")
    assert [call["arguments"][1] for call in stand_in.calls()] == ["stack", "up"]


def test_events_arrive(stand_in: StandIn, perform: Perform, capfd: pytest.CaptureFixture[str]) -> None:
    stand_in.play(Play(recording="create"))
    ran = perform("up")
    assert sorted(ran.steps()) == [("create", "s0"), ("create", "s1"), ("create", "s2")]
    assert ran.changes == {"create": 4}
    assert "cancelEvent" in ran.events[-1]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("recording", "result", "error"),
    [
        ("partial", Result.PARTIAL, "the service is full"),
        ("refused", Result.FAILED, "property val: too long"),
        (
            "raises",
            Result.FAILED,
            "the program ended with ValueError at __main__.py:48; OPTOUT_DEBUG=1 shows what it says",
        ),
        ("unreadable", Result.FAILED, "Voice ID does not answer (2 times)"),
    ],
)
def test_failed_runs(recording: str, result: Result, error: str, stand_in: StandIn, perform: Perform) -> None:
    stand_in.play(Play(recording=recording, status=1))
    assert perform("up").outcome == Outcome(result, (error,))


def test_failure_told_on_standard_error_only(stand_in: StandIn, perform: Perform) -> None:
    stand_in.play(Play(stderr="error: no resource named 'x' found\n", status=1))
    assert perform("up").outcome == Outcome(Result.FAILED, ("no resource named 'x' found",))


def test_failure_without_a_word(stand_in: StandIn, perform: Perform) -> None:
    stand_in.play(Play(status=255))
    (error,) = perform("up").outcome.errors
    assert error == "the Pulumi CLI ended with exit status 255 and gave no reason"


def test_known_failure_before_any_change_is_raised(stand_in: StandIn, perform: Perform) -> None:
    stand_in.play(Play(stderr=LOCKED, status=1))
    with pytest.raises(StackLockedError, match=r"locked by ann@vm \(pid 8957\) since 2026-11-22T13:15:51Z"):
        perform("up")


def test_known_failure_after_changes_leaves_the_run_partial(stand_in: StandIn, perform: Perform) -> None:
    stand_in.play(Play(recording="create", stderr="error: corrupt store: missing version", status=1))
    outcome = perform("up").outcome
    assert outcome.result is Result.PARTIAL
    assert outcome.errors[0].startswith(
        "the state cannot be read (corrupt store: missing version): restore it from"
    )


def test_preview_without_a_summary(stand_in: StandIn, perform: Perform) -> None:
    with pytest.raises(StackError, match=r"events cannot be read .*: update the package pulumi"):
        perform("preview")


def test_a_receiver_that_fails_is_heard_after_the_run(stand_in: StandIn, perform: Perform) -> None:
    stand_in.play(Play(recording="create"))

    def receive(_event: object) -> None:
        raise ValueError("full")

    with pytest.raises(ValueError, match="full"):
        perform("up", on_event=receive)
    assert len(stand_in.calls()) == 2  # the run was not left alone in the middle


def test_passphrase_missing(stand_in: StandIn, bench: Bench, perform: Perform) -> None:
    bench.environment.pop("PULUMI_CONFIG_PASSPHRASE")
    with pytest.raises(PassphraseError, match=r"^no passphrase: set PULUMI_CONFIG_PASSPHRASE or"):
        perform("up")
    assert not (stand_in.folder / "calls.jsonl").exists()


def test_passphrase_of_the_process(
    stand_in: StandIn, bench: Bench, perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.environment.pop("PULUMI_CONFIG_PASSPHRASE")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "x")
    stand_in.play(Play(recording="create"))
    assert perform("up").ok


def test_no_passphrase_for_secrets_under_a_cloud_key(stand_in: StandIn, bench: Bench, perform: Perform) -> None:
    bench.environment.pop("PULUMI_CONFIG_PASSPHRASE")
    bench.write("Pulumi.dev.yaml", "secretsprovider: awskms://alias/x\n")
    stand_in.play(Play(recording="create"))
    assert perform("up").ok


def test_stack_without_a_file(stand_in: StandIn, bench: Bench, perform: Perform) -> None:
    (bench.root / "Pulumi.dev.yaml").unlink()
    with pytest.raises(ProjectError, match=r"no stack file Pulumi\.dev\.yaml"):
        perform("up")


def test_the_cli_is_looked_for_once(stand_in: StandIn, bench: Bench) -> None:
    stand_in.play(Play(recording="create"))
    engine = OfficialEngine(program_providers)
    engine.run(Operation.UP, bench.request(), lambda _event: None)
    stand_in.play(Play(recording="create", version="v3.1.0"))  # would be refused if it were asked again
    assert engine.run(Operation.UP, bench.request(), lambda _event: None).result is Result.SUCCEEDED
