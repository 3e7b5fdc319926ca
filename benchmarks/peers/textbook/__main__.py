"""The textbook program: a dynamic provider in the program itself, a resource a person, a client a call.

Written as the tutorials of dynamic providers show it, to be measured beside this project. It is no advice.
"""

from pathlib import Path
from typing import Any

import boto3
import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, ResourceProvider, UpdateResult


class SpeakerProvider(ResourceProvider):
    """Opts people out."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        client = boto3.client("voice-id")
        answer = client.opt_out_speaker(DomainId=props["domain_id"], SpeakerId=props["speaker_id"])
        speaker = answer["Speaker"]
        return CreateResult(speaker["GeneratedSpeakerId"], {**props, "status": speaker["Status"]})

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        client = boto3.client("voice-id")
        answer = client.opt_out_speaker(DomainId=news["domain_id"], SpeakerId=news["speaker_id"])
        return UpdateResult({**news, "status": answer["Speaker"]["Status"]})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        client = boto3.client("voice-id")
        answer = client.describe_speaker(DomainId=props["domain_id"], SpeakerId=props["speaker_id"])
        return ReadResult(id_, {**props, "status": answer["Speaker"]["Status"]})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        client = boto3.client("voice-id")
        client.delete_speaker(DomainId=props["domain_id"], SpeakerId=props["speaker_id"])


class Speaker(Resource):
    """A person."""

    status: pulumi.Output[str]

    def __init__(self, name: str, domain_id: str, speaker_id: str) -> None:
        super().__init__(
            SpeakerProvider(), name, {"domain_id": domain_id, "speaker_id": speaker_id, "status": None}
        )


domain, *people = Path("people.txt").read_text(encoding="utf-8").split()
for number, person in enumerate(people, 1):
    try:
        Speaker(f"speaker-{number}", domain, person)
    except RecursionError:
        # Not in any tutorial: it says where the program dies, which the traceback does not.
        raise pulumi.RunError(f"RecursionError at resource {number}") from None
