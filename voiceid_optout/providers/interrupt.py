"""Keeps an interrupted program quiet.

When a resource fails, the engine interrupts the program, which by then only waits. The SDK's launcher answers
with two tracebacks that bury the one message that counts.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

LAUNCHER = "pulumi-language-python-exec"


def end_quietly() -> None:
    """End without a word when interrupted; only under the official launcher, whose process is ours to end."""
    main = getattr(sys.modules["__main__"], "__file__", None)
    if main is not None and Path(main).name == LAUNCHER:
        signal.signal(signal.SIGINT, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(1)
