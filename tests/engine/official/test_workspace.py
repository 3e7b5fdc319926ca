from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from voiceid_optout.engine.interface import Operation
from voiceid_optout.engine.official.command import find
from voiceid_optout.engine.official.workspace import SKIP, backend_url, open_stack
from voiceid_optout.state import StateError

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
    open_stack(find(), bench.request(), "sample", Operation.PREVIEW)
    (call,) = stand_in.calls()
    words = ["stack", "init", "dev", "--no-select", "--secrets-provider", "passphrase"]
    assert call["arguments"] == ["--non-interactive", *words]
    assert call["environment"]["PULUMI_BACKEND_URL"] == backend_url(bench.backend.root)
    assert call["environment"]["PULUMI_SKIP_UPDATE_CHECK"] == "true"
    assert "PULUMI_HOME" not in call["environment"]
    assert bench.backend.root.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("ending", [".json", ".json.gz", ".json.zst"])
def test_a_state_file_makes_the_stack_exist(ending: str, stand_in: StandIn, bench: Bench) -> None:
    state = bench.backend.state_file.with_suffix(ending)
    state.parent.mkdir(parents=True)
    state.touch()
    assert open_stack(find(), bench.request(), "sample", Operation.PREVIEW).name == "dev"
    assert not (stand_in.folder / "calls.jsonl").exists()


def test_backend_folder_that_cannot_be_made(stand_in: StandIn, bench: Bench) -> None:
    bench.backend.root.rmdir()
    bench.backend.root.touch()
    with pytest.raises(StateError, match=r"cannot make the folder .*/state: File exists"):
        open_stack(find(), bench.request(), "sample", Operation.PREVIEW)


def test_another_backend_than_a_folder_is_the_cli_s_own(stand_in: StandIn, bench: Bench) -> None:
    bench.backend.root.rmdir()
    request = bench.request(remote_backend="s3://bucket?region=eu-central-1")
    open_stack(find(), request, "sample", Operation.PREVIEW)
    (call,) = stand_in.calls()
    assert call["environment"]["PULUMI_BACKEND_URL"] == "s3://bucket?region=eu-central-1"
    assert not bench.backend.root.exists()


@pytest.mark.parametrize(
    ("operation", "repeatable", "given", "expected"),
    [
        (Operation.UP, True, None, "true"),
        (Operation.UP, True, "false", "false"),
        (Operation.UP, False, None, None),
        (Operation.DESTROY, True, None, None),
    ],
)
def test_nothing_is_saved_on_the_way_where_a_run_may_be_repeated(
    stand_in: StandIn,
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    operation: Operation,
    repeatable: bool,
    given: str | None,
    expected: str | None,
) -> None:
    monkeypatch.delenv(SKIP, raising=False)
    environment = {} if given is None else {SKIP: given}
    open_stack(find(), bench.request(repeatable=repeatable, environment=environment), "sample", operation)
    (call,) = stand_in.calls()
    assert call["environment"].get(SKIP) == expected
