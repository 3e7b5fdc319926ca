import json
from pathlib import Path

import pytest

from benchmarks import reading
from benchmarks.process import Run
from tests.benchmarks.made import cell
from tests.tables import each_row

# What `pulumi preview --diff` prints.
SHOWN = """Previewing update (bench):
  pulumi:pulumi:Stack: (same)
    [urn=urn:pulumi:bench::voiceid-optout::pulumi:pulumi:Stack::voiceid-optout-bench]
    ~ pulumi-python:dynamic/voiceid:OptedOutSpeakers: (update)
        [id=BenchmarkDomain0000000/35]
      ~ members    :
          + sp-3503786d2383be16 opted_out
            sp-350e4b444fa41268 opted_out
            ...
        speaker_ids: [secret]
    --outputs:--
  ~ people  : 999 => 1000
Resources:
    ~ 1 to update
    253 unchanged
"""


def ran(status: int | None = 0, out: str = "", err: str = "") -> Run:
    return Run(status, 1.0, 1.0, 1, 1, out, err)


@each_row(
    ("run", "outcome"),
    [
        (ran(), "done"),
        (ran(None), "took too long and was ended"),
        (ran(1), "failed: without a word"),
        (ran(1, "step 1\nerror: RecursionError at resource 320\nResources:\n    320 created\n"), None),
        (ran(1, "progress", "Traceback\nbotocore.ClientError: busy\n"), "failed: botocore.ClientError: busy"),
    ],
)
def test_the_line_that_says_why(run: Run, outcome: str | None) -> None:
    assert reading.outcome(run) == (outcome or "failed: error: RecursionError at resource 320")


def test_last_line_of_json_is_told(tmp_path: Path) -> None:
    one = cell("raw/up/10/none")
    assert reading.told(one, tmp_path, ran(out='hello\n{"seconds": 0.123456, "name": "x"}\n')) == {
        "seconds": 0.1235
    }
    assert reading.told(one, tmp_path, ran(out="10 of 10 are opted out\n")) == {}
    assert reading.told(one, tmp_path, ran()) == {}


def test_lines_and_resources_of_the_raw_cli(tmp_path: Path) -> None:
    found = reading.told(cell("sharded-cli/diff/1000/none"), tmp_path, ran(out=SHOWN))
    assert found == {"lines": 1, "resources": 1}


def test_lines_and_resources_of_ours(tmp_path: Path) -> None:
    steps = [{"resourcePreEvent": {"metadata": {"op": op}}} for op in ("same", "update", "same")]
    text = "".join(f"{json.dumps(step)}\n" for step in [*steps, {"summaryEvent": {}}])
    (tmp_path / "events.jsonl").write_text(text, encoding="utf-8")
    out = "Plan: 1 to opt out\n  + opt out  sp-3503786d2383be16  config/people.yaml:1000  new\n"
    found = reading.told(cell("sharded/diff/1000/none"), tmp_path, ran(out=out))
    assert found == {"lines": 1, "resources": 1}


def test_ids_are_found_where_pieces_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PIECE", 8)
    state = tmp_path / "state"
    state.write_bytes(b"xxxxxxone-id-xxxxxxxxxxtwo-id")
    assert reading.shown_in(state, {b"one-id", b"two-id", b"no-id"}) == 2
