"""A stand-in for the CLI on PATH, and the real one where it is installed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.bench import Bench, Ran
from tests.engine.official.stand_in import StandIn, install
from voiceid_optout.cli.running import to_json
from voiceid_optout.engine import program_providers
from voiceid_optout.engine.interface import Operation
from voiceid_optout.engine.official import OfficialEngine

if TYPE_CHECKING:
    from pathlib import Path

Perform = Callable[..., Ran]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The only `pulumi` on PATH, until the test ends."""
    made = install(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.folder}{os.pathsep}{os.environ['PATH']}")
    return made


@pytest.fixture
def perform(bench: Bench) -> Perform:
    """Run an operation of the official engine on the project and return what it did."""
    return performer(bench)


def performer(bench: Bench) -> Perform:
    def run(operation: str, on_event: Callable[[Any], None] | None = None, **options: Any) -> Ran:
        events: list[dict[str, Any]] = []

        def keep(event: Any) -> None:
            events.append(to_json(event))
            if on_event is not None:
                on_event(event)

        before = len(bench.calls())
        home = {"PULUMI_HOME": str(bench.root.parent / "pulumi-home")}
        options["environment"] = home | options.get("environment", {})
        outcome = OfficialEngine(program_providers).run(Operation(operation), bench.request(**options), keep)
        return Ran(outcome, events, bench.calls()[before:])

    return run


@pytest.fixture
def interrupt() -> Iterator[Callable[[Callable[[], bool]], None]]:
    """Interrupt this process, as Ctrl-C does, as soon as the given condition holds; it may be given in series."""
    import signal
    import threading

    threads: list[threading.Thread] = []
    ended = threading.Event()  # a test that was cut short interrupts nobody any more
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def when(*conditions: Callable[[], bool]) -> None:
        def watch() -> None:
            for holds in conditions:
                while not holds():
                    if ended.wait(0.01):
                        return
                os.kill(os.getpid(), signal.SIGINT)

        threads.append(threading.Thread(target=watch, daemon=True))
        threads[-1].start()

    yield when
    ended.set()
    for thread in threads:
        thread.join()
    signal.signal(signal.SIGINT, before)
