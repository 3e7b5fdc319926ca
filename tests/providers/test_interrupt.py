import os
import signal
import sys
from types import SimpleNamespace

import pytest

from voiceid_optout.providers.interrupt import LAUNCHER, end_quietly


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> dict[int, object]:
    set_: dict[int, object] = {}
    monkeypatch.setattr(signal, "signal", set_.__setitem__)
    return set_


def test_under_the_official_launcher(handlers: dict[int, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__file__=f"/opt/{LAUNCHER}"))
    end_quietly()
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    handler = handlers[signal.SIGINT]
    assert callable(handler)
    handler(signal.SIGINT, None)
    assert ended == [1]


@pytest.mark.parametrize("main", [SimpleNamespace(__file__="/usr/bin/optout"), SimpleNamespace()])
def test_anywhere_else_nothing_changes(
    main: object, handlers: dict[int, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", main)
    end_quietly()
    assert handlers == {}
