"""Python's garbage collector, left out where nothing is garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Look for no cycles in this time: a register makes millions of small objects without any.

    It saves a fifth of the time to load a large one, and the cost of an entry no longer grows with their number.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
