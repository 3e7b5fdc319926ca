from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.engine.bench import urn
from voiceid_optout.engine.embedded.plugins import Plugins
from voiceid_optout.engine.interface import Request
from voiceid_optout.state.errors import PluginError
from voiceid_optout.state.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def plugins(tmp_path: Path) -> Iterator[Plugins]:
    request = Request(root=tmp_path, stack="dev", backend=tmp_path)
    made = Plugins(request, "sample", lambda _line: None)
    yield made
    made.close()


def test_one_process_a_config(plugins: Plugins) -> None:
    one = plugins.with_config({"a": "1", "b": "2"})
    assert plugins.with_config({"b": "2", "a": "1"}) is one
    assert plugins.with_config({"b": Secret("2"), "a": "1"}) is one
    assert plugins.with_config({}) is not one


def test_asked_by_many_at_once(plugins: Plugins) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: plugins.with_config({"a": "1"}), range(16)))
    assert len(set(map(id, found))) == 1


def test_the_process_started_before_is_the_first(plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins.start()
    plugins.start()
    with monkeypatch.context() as patch:
        patch.setattr(plugins, "_launch", None)  # a second process would be one too many
        one = plugins.with_config({"a": "1"})
    assert plugins.with_config({"a": "1"}) is one
    assert plugins.with_config({}) is not one


def test_a_process_that_nobody_needed_ends(plugins: Plugins) -> None:
    plugins.start()
    (spare,) = plugins._all()
    plugins.kill()
    plugins.close()
    assert spare._process.poll() is not None


def test_killed(plugins: Plugins) -> None:
    ones = [plugins.with_config({}), plugins.with_config({"a": "1"})]
    plugins.kill()
    for one in ones:
        with pytest.raises(PluginError):
            one.check(urn("s1"), {}, {})


def test_nothing_started_nothing_to_end(tmp_path: Path) -> None:
    plugins = Plugins(Request(root=tmp_path / "none", stack="dev", backend=tmp_path), "sample", print)
    plugins.kill()
    plugins.close()
