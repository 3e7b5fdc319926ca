"""Configured providers in the test's own process."""

import json
from collections.abc import Callable

import pytest
from pulumi.dynamic import Config, ConfigureRequest

from voiceid_optout.providers import plugin
from voiceid_optout.providers.opted_out_speaker import OptedOutSpeakerProvider
from voiceid_optout.providers.opted_out_speakers import OptedOutSpeakersProvider

PROJECT = "voiceid-optout"
SWIFT = {"optOut": 1000, "describe": 1000, "delete": 1000, "list": 1000}
Configured = Callable[..., OptedOutSpeakerProvider]
ConfiguredShards = Callable[..., OptedOutSpeakersProvider]


def stack_config(url: str, **more: str) -> dict[str, str]:
    """Config as the engine hands it over: all text."""
    config = {"endpoint": url, "region": "us-east-1", "quotas": json.dumps(SWIFT), **more}
    return {f"{PROJECT}:{name}": value for name, value in config.items()}


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Configured:
    """Make providers for an endpoint, each as if in a process of its own."""

    def make(url: str, **more: str) -> OptedOutSpeakerProvider:
        monkeypatch.setattr(plugin, "_runtimes", {})
        provider = OptedOutSpeakerProvider()
        provider.configure(ConfigureRequest(Config(stack_config(url, **more), PROJECT)))
        return provider

    return make


@pytest.fixture
def configured_shards(monkeypatch: pytest.MonkeyPatch) -> ConfiguredShards:
    """Make providers of shards for an endpoint, each as if in a process of its own."""

    def make(url: str, **more: str) -> OptedOutSpeakersProvider:
        monkeypatch.setattr(plugin, "_runtimes", {})
        provider = OptedOutSpeakersProvider()
        provider.configure(ConfigureRequest(Config(stack_config(url, **more), PROJECT)))
        return provider

    return make
