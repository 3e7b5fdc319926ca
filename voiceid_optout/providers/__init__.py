"""Pulumi resources of the register."""

from voiceid_optout.providers.resource import OptedOutSpeaker, OptedOutSpeakers

__all__ = ["OptedOutSpeaker", "OptedOutSpeakers"]
