"""What becomes of a program in its process: how it ends, and what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.embedded.test_host import served
from voiceid_optout.engine.embedded.host import ProgramEnd

if TYPE_CHECKING:
    from pathlib import Path


def end_of(root: Path, program: str) -> ProgramEnd:
    with served(root, program) as item:
        return item.run()


def test_a_run_error_is_its_message_alone(tmp_path: Path) -> None:
    assert end_of(tmp_path, "import pulumi\nraise pulumi.RunError('fix line 3')\n") == ProgramEnd("fix line 3")


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("\nraise ValueError('of caller-1')\n", "ValueError at __main__.py:2"),
        ("raise ValueError('of caller-1\\nand caller-2')\n", "ValueError at __main__.py:1"),
        ("def f():\n    return {}['caller-1']\nf()\n", "KeyError at __main__.py:2"),
        ("try:\n    {}['caller-1']\nexcept KeyError:\n    int('caller-1')\n", "ValueError at __main__.py:4"),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt at __main__.py:1"),
        ("caller +\n", "SyntaxError at __main__.py:1"),
        ("import json\njson.loads('caller-1')\n", "JSONDecodeError at __main__.py:2"),
        ("import no_such_module\n", "ModuleNotFoundError at __main__.py:1"),
        ("raise ExceptionGroup('caller-1', [ValueError('caller-1')])\n", "an exception at __main__.py:1"),
    ],
)
def test_any_other_end_is_its_kind_and_place_and_not_its_text(tmp_path: Path, program: str, error: str) -> None:
    end = end_of(tmp_path, program)
    assert end.error.startswith(f"the program ended with {error}; OPTOUT_DEBUG=1 shows what")
    assert "caller" not in end.error


def test_debugging_shows_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTOUT_DEBUG", "1")
    assert end_of(tmp_path, "raise ValueError('of caller-1')\n").error == "ValueError: of caller-1"


@pytest.mark.parametrize(
    ("status", "error"), [("3", "the program ended with exit status 3"), ("'in words'", "in words")]
)
def test_an_exit_that_tells_of_a_failure(tmp_path: Path, status: str, error: str) -> None:
    assert end_of(tmp_path, f"import sys\nsys.exit({status})\n") == ProgramEnd(error)


@pytest.mark.parametrize("program", ["import sys\nsys.exit(0)\n", "import sys\nsys.exit()\n"])
def test_an_exit_that_tells_of_success(tmp_path: Path, program: str) -> None:
    assert end_of(tmp_path, program) == ProgramEnd()


def test_what_a_program_is_told(tmp_path: Path) -> None:
    text = """
import os, sys
import pulumi
import beside
print(__name__, sys.argv == [__file__], os.getcwd() == os.path.dirname(__file__), beside.WORD)
print(pulumi.get_project(), pulumi.get_stack(), pulumi.get_organization(), pulumi.runtime.is_dry_run())
config = pulumi.Config()
print(config.require("greeting"))
config.require_secret("token").apply(print)
print(sys.stdin.read() == "")
"""
    (tmp_path / "beside.py").write_text("WORD = 'beside'\n", encoding="utf-8")
    with served(tmp_path, text) as item:
        assert item.run(dry_run=True) == ProgramEnd()
    assert item.said == [
        "__main__ True True beside",
        "sample dev organization True",
        "hello",
        "True",
        "hush",
    ]


def test_threads_left_in_a_call_do_not_keep_it(tmp_path: Path) -> None:
    text = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
    assert end_of(tmp_path, text) == ProgramEnd()


def test_awaited_work_is_done_before_the_end(tmp_path: Path) -> None:
    text = """
import asyncio
import pulumi
async def late():
    await asyncio.sleep(0.05)
    return "late"
pulumi.export("word", pulumi.Output.from_input(late()).apply(lambda word: print(word) or word))
"""
    with served(tmp_path, text) as item:
        assert item.run() == ProgramEnd()
    assert item.said == ["late"]
