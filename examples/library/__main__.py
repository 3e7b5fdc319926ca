"""Ten lines in a Pulumi program of your own: a register of people, each of them opted out."""

from pathlib import Path

import pulumi

from voiceid_optout.providers import OptedOutSpeaker
from voiceid_optout.register import load
from voiceid_optout.speakers import label

domain = pulumi.Config().require("domain")
for entry in load(Path("people.yaml"), domains={}, default_domain=domain).entries:
    name = label(domain, domain, entry.speaker_id)  # a name is shown everywhere, so it identifies nobody
    OptedOutSpeaker(name, domain_id=domain, speaker_id=entry.speaker_id, ensure=entry.ensure.value)
