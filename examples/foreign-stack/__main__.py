"""A stack with a register of its own. Whose domain it is says the stack `platform`."""

from pathlib import Path

import pulumi

from voiceid_optout.providers import OptedOutSpeaker
from voiceid_optout.register import load
from voiceid_optout.speakers import label

ALIAS = "support"  # the domain's name in the register


async def main() -> None:
    """Declare everybody under a label; the domain's id must be known before, for the labels come of it."""
    config = pulumi.Config()
    # Keys of a program's own stand under a name of their own: optout knows each key under the project's name.
    name = pulumi.Config("platform").require("stack")
    platform = pulumi.StackReference(name)
    found = await platform.get_output_details("voiceIdDomain")
    if found.value is None:
        raise pulumi.RunError(f"the stack {name} has no output voiceIdDomain")
    register = load(Path("people.yaml"), domains={ALIAS: found.value}, default_domain=None)
    key = config.require("labelKey")
    people = [
        OptedOutSpeaker(
            label(key, entry.domain_id, entry.speaker_id),
            domain_id=entry.domain_id,
            speaker_id=entry.speaker_id,
            ensure=entry.ensure.value,
        )
        for entry in register.entries
    ]
    pulumi.export("people", len(people))
    pulumi.export("optedOutAt", pulumi.Output.all(*(person.opted_out_at for person in people)))


pulumi.run(main)
