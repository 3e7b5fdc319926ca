"""Resources and snapshots for tests of what works on them."""

from __future__ import annotations

from typing import Any

from tests.engine.bench import THING, urn
from voiceid_optout.state.resource import ResourceState

STACK = "urn:pulumi:dev::sample::pulumi:pulumi:Stack::sample-dev"
PROVIDER = "urn:pulumi:dev::sample::pulumi:providers:pulumi-python::default"


def thing(name: str, *uses: str, **known: Any) -> ResourceState:
    """A dynamic resource that depends on others, given by name."""
    known = {"id": f"id-{name}", "dependencies": tuple(map(urn, uses)), **known}
    return ResourceState(urn=urn(name), custom=True, type=THING, **known)


def provider(id_: str = "uuid") -> ResourceState:
    return ResourceState(urn=PROVIDER, custom=True, type="pulumi:providers:pulumi-python", id=id_)


def stack() -> ResourceState:
    return ResourceState(urn=STACK, custom=False, type="pulumi:pulumi:Stack")
