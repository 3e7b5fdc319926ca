"""The name under which older states hold the provider of OptedOutSpeaker: an interface for ever."""

from voiceid_optout.providers.opted_out_speaker import OptedOutSpeakerProvider

__all__ = ["OptedOutSpeakerProvider"]
