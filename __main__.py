"""The Pulumi program: the register in, one resource a person out."""

import asyncio

import pulumi

from optout.label import label
from optout.register import Ensure, Entry, Register, RegisterError, load
from providers import OptedOutSpeaker
from providers.interrupt import end_quietly
from providers.stack_config import StackConfig

BATCH = 100  # resources in flight: the SDK's waiting costs outstanding x completed registrations


def read_register(config: StackConfig) -> Register:
    """Load the register; a fault in it ends the program with one line each and no traceback."""
    try:
        return load(config.register, domains=config.domains, default_domain=config.default_domain)
    except RegisterError as error:
        raise pulumi.RunError(str(error)) from None


def declare(entry: Entry, config: StackConfig) -> OptedOutSpeaker:
    """Declare the resource of one entry, under a name that identifies nobody."""
    name = label(config.key(entry.domain_id), entry.domain_id, entry.speaker_id)
    return OptedOutSpeaker(name, domain_id=entry.domain_id, speaker_id=entry.speaker_id, ensure=entry.ensure.value)


async def main() -> None:
    """Register all resources in batches; export how many people they are."""
    end_quietly()
    config = StackConfig.read()
    register = read_register(config)
    entries = register.entries
    for start in range(0, len(entries), BATCH):
        batch = [declare(entry, config) for entry in entries[start : start + BATCH]]
        await asyncio.gather(*(resource.urn.future() for resource in batch))
    pulumi.export("people", len(entries))
    pulumi.export("released", register.count(Ensure.RELEASED))


pulumi.run(main)
