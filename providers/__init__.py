"""The name under which a Pulumi program may import the resources, and older states hold their providers.

Nothing is defined here: all of it lies in ``voiceid_optout.providers``. docs/adr/0009-one-package.md says why there
are two names, and how the wheel keeps this one out of the way of everybody else's.
"""

from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

from voiceid_optout import providers as _ours
from voiceid_optout.providers import OptedOutSpeaker, OptedOutSpeakers

if TYPE_CHECKING:
    from voiceid_optout.providers import GuardrailSettings, OptOutGuardrails

__all__ = ["GuardrailSettings", "OptOutGuardrails", "OptedOutSpeaker", "OptedOutSpeakers"]

# A folder of this name without an __init__.py, as many programs have one, is found by nobody once a package has the
# name. So its modules are found through this one, before ours.
__path__ = [*extend_path([], __name__), *__path__]


def __getattr__(name: str) -> Any:
    return getattr(_ours, name)
