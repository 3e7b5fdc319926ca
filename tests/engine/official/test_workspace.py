from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from voiceid_optout.engine.errors import StateError
from voiceid_optout.engine.official.command import find
from voiceid_optout.engine.official.workspace import backend_url, open_stack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.bench import Bench
    from tests.engine.official.stand_in import StandIn


@pytest.mark.parametrize(
    ("name", "encoded"),
    [("a b", "a%20b"), ("c#d", "c%23d"), ("e?f", "e%3Ff"), ("g%41h", "g%2541h"), ("ü", "%C3%BC")],
)
def test_backend_url(name: str, encoded: str, tmp_path: Path) -> None:
    assert backend_url(tmp_path / "x" / ".." / name) == f"file://{tmp_path}/{encoded}"


def test_a_stack_without_state_is_made_and_not_selected(stand_in: StandIn, bench: Bench) -> None:
    bench.backend.root.rmdir()
    open_stack(find(), bench.request(), "sample")
    (call,) = stand_in.calls()
    assert call["arguments"] == ["--non-interactive", "stack", "init", "dev", "--no-select"]
    assert call["environment"]["PULUMI_BACKEND_URL"] == backend_url(bench.backend.root)
    assert call["environment"]["PULUMI_SKIP_UPDATE_CHECK"] == "true"
    assert "PULUMI_HOME" not in call["environment"]
    assert bench.backend.root.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("ending", [".json", ".json.gz", ".json.zst"])
def test_a_state_file_makes_the_stack_exist(ending: str, stand_in: StandIn, bench: Bench) -> None:
    state = bench.backend.state_file.with_suffix(ending)
    state.parent.mkdir(parents=True)
    state.touch()
    assert open_stack(find(), bench.request(), "sample").name == "dev"
    assert not (stand_in.folder / "calls.jsonl").exists()


def test_backend_folder_that_cannot_be_made(stand_in: StandIn, bench: Bench) -> None:
    bench.backend.root.rmdir()
    bench.backend.root.touch()
    with pytest.raises(StateError, match=r"cannot make the folder .*/state: File exists"):
        open_stack(find(), bench.request(), "sample")
