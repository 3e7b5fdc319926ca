"""The Pulumi program: the register in, one resource a person out, or shards of many people."""

import asyncio
from itertools import islice

import pulumi

from voiceid_optout.providers.program import (
    Guardrails,
    Person,
    StackConfig,
    declare_guardrails,
    declare_people,
    end_quietly,
)
from voiceid_optout.register import Ensure, Entry, Register, load
from voiceid_optout.register.faults import RegisterError
from voiceid_optout.speakers import label

BATCH = 100  # resources in flight: the SDK's waiting costs outstanding x completed registrations


def read_register(config: StackConfig) -> Register:
    """Load the register; a fault in it ends the program with one line each and no traceback."""
    try:
        return load(config.register, domains=config.domains, default_domain=config.default_domain)
    except RegisterError as error:
        raise pulumi.RunError(str(error)) from None


def person(entry: Entry, config: StackConfig) -> Person:
    """Return the person of an entry, under a label that identifies nobody."""
    name = label(config.key(entry.domain_id), entry.domain_id, entry.speaker_id)
    previous = config.previous_key(entry.domain_id)
    before = label(previous, entry.domain_id, entry.speaker_id) if previous else None
    return Person(name, entry.domain_id, entry.speaker_id, entry.ensure.value, before)


async def guarded(config: StackConfig) -> None:
    """Declare the guardrails first: where they cannot be, nobody is opted out either. Export what CI asks for."""
    guardrails = declare_guardrails(config)
    await guardrails.urn.future()
    pulumi.export("previewRole", guardrails.preview_role_arn)
    pulumi.export("applyRole", guardrails.apply_role_arn)


async def main() -> None:
    """Register all resources in batches; export how many people they are."""
    end_quietly()
    config = StackConfig.read()
    if config.guardrails is not Guardrails.OFF:
        await guarded(config)
    if config.guardrails is Guardrails.ONLY:
        return
    config.require_label_key(pulumi.get_project())
    register = read_register(config)
    resources = declare_people((person(entry, config) for entry in register.entries), config.grouping)
    while batch := list(islice(resources, BATCH)):
        await asyncio.gather(*(resource.urn.future() for resource in batch))
    pulumi.export("people", len(register.entries))
    pulumi.export("released", register.count(Ensure.RELEASED))


pulumi.run(main)
