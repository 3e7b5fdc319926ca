from __future__ import annotations

import hashlib
import os
import signal
import threading
from pathlib import Path
from queue import Queue

import pytest

from tests.tables import each_row
from voiceid_optout.engine.interface import Request, handling_interrupts, place_of


@each_row(
    ("url", "shown"),
    [
        ("s3://states/prefix?region=eu-central-1&profile=states", "s3://states/prefix"),
        (
            "postgres://somebody:secret@db.example.org:5432/states?sslmode=require",
            "postgres://db.example.org:5432/states",
        ),
        ("https://api.example.org", "https://api.example.org"),
    ],
)
def test_a_backend_is_named_without_what_may_be_secret(url: str, shown: str) -> None:
    assert place_of(url) == shown
    assert Request(root=Path("/a"), stack="dev", backend=Path("/b"), remote_backend=url).place == shown


def test_a_folder_is_its_own_name() -> None:
    assert Request(root=Path("/a"), stack="dev", backend=Path("/b")).place == "/b"


@pytest.fixture
def told() -> Queue[str]:
    return Queue()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_and_later_ones(told: Queue[str], number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with handling_interrupts(lambda: told.put("first"), lambda: told.put("later")):
        assert signal.getsignal(number) is not before
        for word in ("first", "later", "later"):
            signal.raise_signal(number)
            assert told.get(timeout=600) == word
    assert signal.getsignal(number) is before


def test_of_both_kinds(told: Queue[str]) -> None:
    with handling_interrupts(lambda: told.put("first"), lambda: told.put("later")):
        signal.raise_signal(signal.SIGTERM)
        assert told.get(timeout=600) == "first"
        signal.raise_signal(signal.SIGINT)
        assert told.get(timeout=600) == "later"


def test_handlers_come_back_after_a_failure() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError), handling_interrupts(lambda: None, lambda: None):
        raise RuntimeError
    assert signal.getsignal(signal.SIGINT) is before


def test_a_lock_of_the_interrupted_thread_is_no_deadlock(told: Queue[str]) -> None:
    lock = threading.Lock()

    def first() -> None:
        with lock:
            told.put("first")

    with handling_interrupts(first, lambda: None):
        with lock:
            signal.raise_signal(signal.SIGINT)
            assert told.empty()
        assert told.get(timeout=600) == "first"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_two_at_once_are_two(told: Queue[str]) -> None:
    """Both come while the main thread is busy with what no signal interrupts."""
    begun = threading.Event()

    def interrupt_twice() -> None:
        begun.wait()
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            while any(line.startswith("ShdPnd:") and int(line.split()[1], 16) for line in status()):
                pass  # the system has not handed it over yet

    def status() -> list[str]:
        return Path("/proc/self/status").read_text(encoding="ascii").splitlines()

    sender = threading.Thread(target=interrupt_twice)
    sender.start()
    with handling_interrupts(lambda: told.put("first"), lambda: told.put("later")):
        begun.set()
        while sender.is_alive():
            hashlib.pbkdf2_hmac("sha256", b"a", b"b", 200_000)
        assert sorted([told.get(timeout=600), told.get(timeout=600)]) == ["first", "later"]


def test_elsewhere_nothing_changes(told: Queue[str]) -> None:
    before = signal.getsignal(signal.SIGINT)

    def run() -> None:
        with handling_interrupts(lambda: told.put("first"), lambda: told.put("later")):
            told.put("unchanged" if signal.getsignal(signal.SIGINT) is before else "changed")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert [told.get_nowait()] == ["unchanged"]
