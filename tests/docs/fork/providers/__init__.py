"""The resources under a short name, in a checkout alone. Installed, they are ``voiceid_optout.providers``."""

from voiceid_optout.providers import OptedOutSpeaker, OptedOutSpeakers

__all__ = ["OptedOutSpeaker", "OptedOutSpeakers"]
