"""Plans to render, to compare and to guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voiceid_optout.plan import Action, Change, Plan, Purpose, Scope, Step
from voiceid_optout.plan.review import Review

if TYPE_CHECKING:
    from collections.abc import Iterable

SCOPE = Scope("voiceid-optout", "test", Purpose.UP, "https://voiceid.example.org", "us-east-1")
DOMAIN = "DomainDomainDomain0001"
BUCKET = "aws:s3/bucket:Bucket"
_CHANGES = {
    Action.OPT_OUT: ("new", Change("ensure", None, "opted_out")),
    Action.REPAIR: ("ENROLLED in the service, should be OPTED_OUT", Change("status", "ENROLLED", "OPTED_OUT")),
    Action.RELEASE: ("released", Change("ensure", "opted_out", "released")),
    Action.FORGET: (
        "no longer in the register; the opt-out stays in the service",
        Change("ensure", "opted_out", None),
    ),
    Action.DELETE: ("no longer in the register", Change("ensure", "opted_out", None)),
    Action.REPLACE: ("the resource would be replaced", None),
    Action.UPDATE: ("its settings changed", None),
}


def step(action: Action, number: int = 1) -> Step:
    """Return a step about a person, as the builder makes it."""
    reason, change = _CHANGES[action]
    return Step(f"sp-{number:016x}", action, reason, change, domain=DOMAIN)


def steps(action: Action, count: int, first: int = 1) -> list[Step]:
    return [step(action, number) for number in range(first, first + count)]


def plan(parts: Iterable[Step], unchanged: int = 0, managed: int = 0) -> Plan:
    return Plan(tuple(sorted(parts, key=lambda each: each.label)), unchanged, managed)


def review(parts: Iterable[Step], unchanged: int = 0, **more: Any) -> Review:
    return Review(plan(parts, unchanged), **{"scope": SCOPE, **more})


EVERY_ACTION = [
    *(step(action, number) for number, action in enumerate(_CHANGES)),
    Step("guard", Action.CREATE, BUCKET, type=BUCKET),
]
