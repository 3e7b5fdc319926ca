"""The way errors leave the provider.

The plugin answers any exception with its whole traceback as text, chained causes included. So nothing passes
but one class whose text is clean, and nothing is chained to it.
"""

import functools
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from voiceid_optout.voiceid import VoiceIdError

_P = ParamSpec("_P")
_T = TypeVar("_T")


class OptOutFailed(Exception):  # noqa: N818 - people read it at the start of a line
    """A provider call failed; the text is one line without identifiers.

    The module's name is left out on purpose: a traceback's last line then starts with ``OptOutFailed:``.
    """

    __module__ = "builtins"


def clean_failures(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let a provider's method raise nothing but OptOutFailed."""

    @functools.wraps(method)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return method(*args, **kwargs)
        except (VoiceIdError, OptOutFailed) as error:
            failure = OptOutFailed(str(error))
        except Exception as error:  # noqa: BLE001 - its text may hold an identifier, so it goes no further
            failure = OptOutFailed(f"unforeseen {type(error).__name__} in {_place(error)}; please report this")
        raise failure  # outside the handlers: here it has no context to be printed

    return call


def _place(error: Exception) -> str:
    # walk_tb and not extract_tb, which finds nothing in a plugin process: its stack frames are switched off
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{Path(frame.f_code.co_filename).name}:{line}"
