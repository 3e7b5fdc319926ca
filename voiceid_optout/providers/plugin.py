"""The process in which providers run."""

import gc
import sys

from voiceid_optout.providers import lifeline

MODULE = "pulumi.dynamic.__main__"


def settle() -> None:
    """Make a plugin process end with its engine and answer without stack frames.

    The plugin's answer to an exception is its traceback. Where ours comes from helps nobody: the message says
    what to do, and an unforeseen error names its place. Anywhere but in a plugin process nothing happens.
    """
    if is_plugin():
        sys.tracebacklimit = 0
        # What is loaded stays and calls leave no garbage: looking through it over and over costs a tenth of a run.
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        lifeline.hold()


def is_plugin() -> bool:
    """Tell whether this process was started as ``python -m pulumi.dynamic``."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec is not None and spec.name == MODULE
