"""Resources as a program declares them: OptedOutSpeaker for one person, OptedOutSpeakers for a shard of many.

With the extra aws there are OptOutGuardrails too.
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi.dynamic import ResourceProvider

from voiceid_optout.providers.opted_out_speaker import OptedOutSpeakerProvider
from voiceid_optout.providers.opted_out_speakers import OptedOutSpeakersProvider
from voiceid_optout.pulumi_internals import PROVIDER_KEY, serialize_provider
from voiceid_optout.speakers import SHARD_TYPE, SPEAKER_TYPE

if TYPE_CHECKING:
    from voiceid_optout.providers.guardrail_settings import GuardrailSettings
    from voiceid_optout.providers.guardrails import OptOutGuardrails


__all__ = ["GuardrailSettings", "OptOutGuardrails", "OptedOutSpeaker", "OptedOutSpeakers"]

# Few programs have guardrails, and their package is in an extra.
_ON_FIRST_USE = {"GuardrailSettings": "guardrail_settings", "OptOutGuardrails": "guardrails"}


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ON_FIRST_USE[name]}"), name)


@cache
def provider_reference(provider: type[ResourceProvider] = OptedOutSpeakerProvider) -> str:
    """Return a provider as the engine stores it: a reference to its class, the same for every resource.

    Made once a process, because each call of ``serialize_provider`` wraps the pickler once more.
    ``pulumi.dynamic.Resource`` calls it for every resource, so a provider that is pickled by value, as in
    the SDK's examples, ends in a RecursionError at about the 320th.
    """
    return str(serialize_provider(provider()))


class OptedOutSpeaker(pulumi.CustomResource):
    """A person who must not be recognised by voice, or who was released from that.

    Removing the resource leaves the person as they are. ``status`` is as last read: OPTED_OUT, ENROLLED,
    EXPIRED, PENDING, or none for somebody released. ``opted_out_at`` is the service's time (UTC, ISO 8601) at
    our write.
    """

    domain_id: Output[str]
    speaker_id: Output[str]
    ensure: Output[str]
    status: Output[str | None]
    opted_out_at: Output[str | None]

    def __init__(
        self,
        name: str,
        *,
        domain_id: Input[str],
        speaker_id: Input[str],
        ensure: Input[str] = "opted_out",
        opts: ResourceOptions | None = None,
    ) -> None:
        """Declare one person.

        ``name`` is shown everywhere, so it must not identify anybody: use ``voiceid_optout.speakers.label``.
        ``speaker_id`` is kept as a secret. ``ensure`` is ``opted_out`` or ``released``.
        """
        super().__init__(
            SPEAKER_TYPE,
            name,
            {
                "domain_id": domain_id,
                "speaker_id": Output.secret(speaker_id),
                "ensure": ensure,
                # the SDK makes attributes for these only if they are named here; None is not sent
                "status": None,
                "opted_out_at": None,
                PROVIDER_KEY: provider_reference(),
            },
            _retained(opts),
        )


class OptedOutSpeakers(pulumi.CustomResource):
    """Many people of one domain. Texts and not maps: each entry of a map is several messages on the way.

    Removing somebody, or the resource, leaves people as they are. ``drifted`` has those who are not as asked, as
    last read: a line a person, the label and ENROLLED, EXPIRED, PENDING, OPTED_OUT or gone. It is empty when all
    is well.
    """

    domain_id: Output[str]
    members: Output[str]
    speaker_ids: Output[str]
    drifted: Output[str | None]

    def __init__(
        self,
        name: str,
        *,
        domain_id: Input[str],
        members: Input[str],
        speaker_ids: Input[str],
        digits: Input[str] | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        """Declare a shard.

        ``members`` has a line a person, the label and ``opted_out`` or ``released``; ``speaker_ids``, kept as a
        secret, the label and the id. Both are texts as ``voiceid_optout.speakers.shard_text`` makes them.
        ``digits`` are those that the labels of its people begin with, where they are more than two.
        """
        super().__init__(
            SHARD_TYPE,
            name,
            {
                "domain_id": domain_id,
                "members": members,
                "speaker_ids": Output.secret(speaker_ids),
                **({} if digits is None else {"digits": digits}),
                "drifted": None,
                PROVIDER_KEY: provider_reference(OptedOutSpeakersProvider),
            },
            _retained(opts),
        )


def _retained(opts: ResourceOptions | None) -> ResourceOptions:
    retained = ResourceOptions(retain_on_delete=True)
    return ResourceOptions.merge(opts, retained) if opts else retained
