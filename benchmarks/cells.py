"""What is measured: a cell is one peer doing one thing for so many people, with quotas or without."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FULL = 100_000  # speakers that AWS allowed in a domain
MILLION = 1_000_000
SIZES = (10, 300, 1_000, 10_000, FULL, MILLION)
DRIFTED = 100  # one person in so many has drifted in a refresh
TEXTBOOK_DIES_AT = 320  # resources, or a few less; measured at the first size beyond, which the tables show


class Phase(StrEnum):
    """What is done. Of one person added also the plan alone (diff), and the engine without it (apply).

    EDIT and START run several commands in turn: see :mod:`benchmarks.turns`.
    """

    UP = "up"
    PREVIEW = "preview"
    ADD = "add"
    REFRESH = "refresh"
    LOAD = "load"
    DIFF = "diff"
    APPLY = "apply"
    REPORT = "report"
    SERVE = "serve"
    EDIT = "edit"
    START = "start"


class Quotas(StrEnum):
    """Calls a second that the service allows: as many as it can, or those of AWS."""

    NONE = "none"
    AWS = "aws"


class Kind(StrEnum):
    """How a peer works, which decides what its runs need."""

    OPTOUT = "optout"
    TEXTBOOK = "textbook"
    LOOP = "loop"
    RAW = "raw"
    REGISTER = "register"
    SERVICE = "service"
    TURNS = "turns"


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to keep people opted out. ``engine`` and ``grouping`` are empty where there is none."""

    name: str
    title: str
    kind: Kind
    engine: str = ""
    grouping: str = ""


PEERS = {
    peer.name: peer
    for peer in (
        Peer("sharded", "optout, sharded, embedded engine", Kind.OPTOUT, "embedded", "sharded"),
        Peer("sharded-cli", "optout, sharded, Pulumi CLI", Kind.OPTOUT, "pulumi", "sharded"),
        Peer("single", "optout, single, embedded engine", Kind.OPTOUT, "embedded", "single"),
        Peer("single-cli", "optout, single, Pulumi CLI", Kind.OPTOUT, "pulumi", "single"),
        Peer("textbook", "textbook dynamic provider, embedded engine", Kind.TEXTBOOK, "embedded"),
        Peer("textbook-cli", "textbook dynamic provider, Pulumi CLI", Kind.TEXTBOOK, "pulumi"),
        Peer("loop", "boto3 in a loop", Kind.LOOP),
        Peer("threads", "boto3 in a loop, threads", Kind.LOOP),
        Peer("aws-cli", "AWS CLI in a loop", Kind.LOOP),
        Peer("raw", "pre-signed requests: the service's own maximum", Kind.RAW),
        Peer("register-bare", "register alone, bare ids", Kind.REGISTER),
        Peer("register-full", "register alone, full entries", Kind.REGISTER),
        Peer("service-sqlite-1", "the service on SQLite", Kind.SERVICE),
        Peer("service-postgres-1", "one process on PostgreSQL", Kind.SERVICE),
        Peer("service-postgres-2", "two processes on PostgreSQL", Kind.SERVICE),
        Peer("service-postgres-4", "four processes on PostgreSQL", Kind.SERVICE),
        Peer("turns", "commands in turn", Kind.TURNS),
    )
}
BASELINE = "sharded"  # what ratios refer to


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One thing to measure. ``latency`` is in milliseconds and added to every call."""

    peer: str
    people: int
    phase: Phase
    quotas: Quotas = Quotas.NONE
    latency: int = 0

    @property
    def key(self) -> str:
        """Return the name that ``--only`` takes: peer/phase/people/quotas, and a latency if there is one."""
        late = f"/{self.latency}ms" if self.latency else ""
        return f"{self.peer}/{self.phase.value}/{self.people}/{self.quotas.value}{late}"

    def at(self, people: int) -> Cell:
        """Return the same cell for another number of people."""
        return Cell(self.peer, people, self.phase, self.quotas, self.latency)


_PHASES = {
    Kind.RAW: (Phase.UP, Phase.REFRESH),
    Kind.REGISTER: (Phase.LOAD,),
    Kind.SERVICE: (),  # by serving()
    Kind.TURNS: (Phase.EDIT,),
    # Without a state there is no preview: all that a loop can do is to ask about everybody, as in a refresh.
    Kind.LOOP: (Phase.UP, Phase.ADD, Phase.REFRESH),
}
ONE_MORE = (Phase.ADD, Phase.DIFF, Phase.APPLY)  # the register has one person more than the service
_WORK = (Phase.UP, Phase.PREVIEW, Phase.ADD, Phase.REFRESH)
_CALLING = (Phase.UP, Phase.REFRESH)


SERVED = 10_000  # speakers of a domain from which on the service itself is measured


def serving(sizes: tuple[int, ...]) -> list[Cell]:
    """Return the cells of the service alone, for the largest size, if that is one that tells anything."""
    if max(sizes) < SERVED:
        return []
    return [Cell(peer.name, max(sizes), Phase.SERVE) for peer in PEERS.values() if peer.kind is Kind.SERVICE]


def grid(sizes: tuple[int, ...], quotas: tuple[Quotas, ...]) -> list[Cell]:
    """Return the cells of the tables, small ones first, so that large ones can be estimated.

    With quotas only what calls for everybody is measured: a preview calls nobody, one more person is one call.
    """
    cells = []
    for quota in quotas:
        for people in sorted(sizes):
            for peer in PEERS.values():
                if quota is Quotas.AWS and peer.kind in (Kind.RAW, Kind.REGISTER, Kind.TURNS):
                    continue
                phases = _PHASES.get(peer.kind, _WORK)
                wanted = [phase for phase in phases if quota is Quotas.NONE or phase in _CALLING]
                cells += [Cell(peer.name, people, phase, quota) for phase in wanted]
    return cells + serving(sizes)
