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
        ("raise ValueError('no such thing')\n", "ValueError: no such thing"),
        ("raise KeyError()\n", "KeyError"),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
        ("1 +\n", "SyntaxError: invalid syntax (__main__.py, line 1)"),
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_any_other_end_names_the_error_and_keeps_the_trace(tmp_path: Path, program: str, error: str) -> None:
    end = end_of(tmp_path, program)
    assert end.error == error
    assert end.traceback.startswith("Traceback (most recent call last):")


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


@pytest.mark.parametrize("main", ["src", "src/__main__.py", "other.py"])
def test_a_program_elsewhere_in_the_project(tmp_path: Path, main: str) -> None:
    (tmp_path / "src").mkdir()
    for path in ("src/__main__.py", "other.py"):
        (tmp_path / path).write_text("print('from', __file__.rsplit('/', 1)[1])\n", encoding="utf-8")
    with served(tmp_path, "") as item:
        assert item.run(main=main) == ProgramEnd()
    assert item.said == [f"from {'other.py' if main == 'other.py' else '__main__.py'}"]


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
