"""The name under which older states hold the provider of OptedOutSpeakers: an interface for ever."""

from voiceid_optout.providers.opted_out_speakers import OptedOutSpeakersProvider

__all__ = ["OptedOutSpeakersProvider"]
