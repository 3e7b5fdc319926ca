"""When Python looks through its objects for cycles that nobody needs, which takes longer the more there are.

A register is millions of small objects without cycles: not to look saves a fifth of the time to load a large one,
and the cost of an entry no longer grows with their number. Modules stay as well: not to look saves a tenth of the
time to import them.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def no_collection() -> Iterator[None]:
    """Look for no cycles in this time, in which only such things are made as stay.

    What was made counts as old afterwards: to look through it at once, as through what is new, would take as long.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()
