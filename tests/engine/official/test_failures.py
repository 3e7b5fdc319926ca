"""Recorded standard error of the CLI, version 3.260.0, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from voiceid_optout.engine.interface import Request
from voiceid_optout.engine.official import failures
from voiceid_optout.state.errors import EngineError, PassphraseError, StackLockedError, StateError

REQUEST = Request(root=Path("/project"), stack="dev", backend=Path("/a state"))
LOCKED = """error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or \
delete the lock file with `pulumi cancel`.
  file:///a%20state/.pulumi/locks/organization/sample/dev/4f1a.json?no_tmp_dir=true: created by ann b@vm \
(pid 8957) at 2026-11-22T13:15:51Z"""
INTEGRITY = """error: The Pulumi CLI encountered a snapshot integrity error. This is a bug!

You can try to repair your snapshot as follows:

* Using the `pulumi state repair` command. This is the recommended approach.
================================================================================
Pulumi Version:    v3.260.0
Error:             snapshot integrity failure; refusing to use it: magic cookie mismatch; possible tampering

Stack Trace:

goroutine 1 [running]:
"""
CRASH = """panic: fatal: An assertion has failed: Diff requires an ID

goroutine 89 [running]:
"""


def error_of(stderr: str) -> EngineError:
    found = failures.read(stderr, REQUEST)
    assert found is not None
    return found


def test_lock() -> None:
    error = error_of(LOCKED)
    assert isinstance(error, StackLockedError)
    assert error.holder == "ann b@vm (pid 8957)"
    assert error.since == "2026-11-22T13:15:51Z"
    assert error.path == Path("/a state/.pulumi/locks/organization/sample/dev/4f1a.json")


def test_lock_in_a_bucket() -> None:
    request = replace(REQUEST, remote_backend="s3://somebody:secret@states/prefix?region=eu-central-1")
    error = failures.read(LOCKED.replace("file:///a%20state", "s3://states/prefix"), request)
    assert isinstance(error, StackLockedError)
    assert (error.holder, error.since) == ("ann b@vm (pid 8957)", "2026-11-22T13:15:51Z")
    assert str(error).endswith("run `pulumi cancel`; it removes the lock in s3://states/prefix")


def test_lock_in_other_words() -> None:
    error = error_of("error: the stack is currently locked by somebody")
    assert isinstance(error, StackLockedError)
    assert error.path == Path("/a state/.pulumi/locks")


@pytest.mark.parametrize(
    ("stderr", "kind", "words"),
    [
        (
            "error: getting stack configuration: get stack secrets manager: incorrect passphrase",
            PassphraseError,
            "incorrect passphrase: set PULUMI_CONFIG_PASSPHRASE or",
        ),
        (
            "error: validating stack config: cipher: message authentication failed",
            PassphraseError,
            "encrypted with another passphrase",
        ),
        ("error: validating stack config: bad value: nonce size is incorrect", PassphraseError, "Pulumi.dev.yaml"),
        (
            "error: getting stack configuration: get stack secrets manager: illegal base64 data at input byte 0",
            StateError,
            "the encryption salt is damaged: restore Pulumi.dev.yaml",
        ),
        (
            INTEGRITY,
            StateError,
            "inconsistent (magic cookie mismatch; possible tampering): restore it from /a state/",
        ),
        (
            "error: failed to load checkpoint: unsupported checkpoint version 99",
            StateError,
            "cannot be read (failed to load checkpoint: unsupported checkpoint version 99)",
        ),
        ('error: corrupt store: missing version in ".pulumi/meta.yaml"', StateError, "meta.yaml"),
        ("error: invalid character 'o' in literal null (expecting 'u')", StateError, "cannot be read"),
        (
            (
                "error: decrypting secret value: failed to decrypt: snapshot contains encrypted secrets "
                "but no secrets manager could be found"
            ),
            StateError,
            "cannot be read",
        ),
        ("error: no stack named 'dev' found", StateError, "stack dev has no state in /a state"),
        ("error: [409] Conflict: Another update is currently in progress.", StateError, "run the command again"),
    ],
)
def test_known_texts(stderr: str, kind: type[EngineError], words: str) -> None:
    error = error_of(stderr)
    assert isinstance(error, kind)
    assert words in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("stderr", ["error: no resource named 'x' found", CRASH, ""])
def test_other_texts_stand_for_themselves(stderr: str) -> None:
    assert failures.read(stderr, REQUEST) is None


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        ("error: no resource named 'x' found", "no resource named 'x' found"),
        ("something else", "something else"),
        (
            CRASH,
            (
                "the Pulumi CLI crashed (Diff requires an ID). It has left its lock: look at the state with "
                "`pulumi stack export`, then run `pulumi cancel`"
            ),
        ),
    ],
)
def test_reason(stderr: str, said: str) -> None:
    assert failures.reason(stderr) == said
