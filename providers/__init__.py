"""Pulumi resources of the register."""

from providers.resource import OptedOutSpeaker, OptedOutSpeakers

__all__ = ["OptedOutSpeaker", "OptedOutSpeakers"]
