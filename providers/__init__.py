"""Pulumi resources of the register."""

from providers.resource import OptedOutSpeaker

__all__ = ["OptedOutSpeaker"]
