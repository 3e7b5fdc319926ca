"""What a key may do: three roles, each with the operations of the one before it."""

from collections.abc import Iterable
from enum import StrEnum

from voiceid_optout.service.errors import ApiError, denied


class Role(StrEnum):
    """``read`` changes nothing, ``reconcile`` opts people out as well, ``admin`` may do everything."""

    READ = "read"
    RECONCILE = "reconcile"
    ADMIN = "admin"


OPT_OUT = "OptOutSpeaker"
RELEASE = "DeleteSpeaker"
_READING = ("Describe", "List", "Evaluate")


def is_reading(operation: str) -> bool:
    """Tell whether an operation changes nothing."""
    return operation.startswith(_READING)


def granted(role: Role, operations: Iterable[str], *, may_release: bool) -> frozenset[str]:
    """Return those of ``operations`` that a key with the role may call.

    Releasing a person undoes an opt-out, so the role of a reconciler includes it only where that was asked for.
    """
    if role is Role.ADMIN:
        return frozenset(operations)
    wanted = {name for name in operations if is_reading(name)}
    if role is Role.RECONCILE:
        wanted |= {OPT_OUT, RELEASE} if may_release else {OPT_OUT}
    return frozenset(wanted)


def not_granted(role: Role, operation: str) -> ApiError:
    """Return the answer to a call that the key's role does not include."""
    hint = ", unless the key is added with --may-release" if (role, operation) == (Role.RECONCILE, RELEASE) else ""
    return denied(
        f"The access key has the role '{role}', which does not include {operation}{hint}. See `optout serve keys`."
    )
