"""The dynamic provider of OptedOutSpeaker.

Every state file holds a reference to ``voiceid_optout.providers.opted_out_speaker.OptedOutSpeakerProvider``: both
names are an interface for ever. The instance that is pickled is empty; settings arrive in ``configure``.
"""

from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from voiceid_optout.providers import decisions, plugin
from voiceid_optout.providers.plugin import OptOutFailed, Runtime, clean_failures, configured
from voiceid_optout.speakers import Ensure, SpeakerStatus


class OptedOutSpeakerProvider(ResourceProvider):
    """One person of one domain, opted out or released. Raises OptOutFailed, and nothing else."""

    serialize_as_secret_always = False  # it is a reference: there is nothing to hide

    _runtime: Runtime
    _label_key: str | None

    @clean_failures
    def configure(self, req: ConfigureRequest) -> None:
        """Take endpoint, region, quotas and label key from the stack's config, all text; environment wins."""
        plugin.prepare_process()
        self._runtime = configured(req.config)
        self._label_key = req.config.get("labelKey")

    @clean_failures
    def check(self, _old: dict[str, Any], new: dict[str, Any]) -> CheckResult:
        """Validate; calls nobody."""
        inputs, failures = decisions.check(new)
        # The CLI prints a named property's value, secret or not; the reason names it as well.
        return CheckResult(inputs, [CheckFailure("", failure.reason) for failure in failures])

    @clean_failures
    def diff(self, _id: str, old: dict[str, Any], new: dict[str, Any]) -> DiffResult:
        """Compare; calls nobody."""
        difference = decisions.diff(old, new)
        return DiffResult(changes=difference.changes, replaces=list(difference.replaces))

    @clean_failures
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Opt out or release; both succeed for a person who is so already."""
        resource_id, outs = self._apply(props)
        return CreateResult(resource_id, outs)

    @clean_failures
    def update(self, _id: str, _old: dict[str, Any], new: dict[str, Any]) -> UpdateResult:
        """As create. That the service has made the speaker anew shows in the id after a refresh."""
        return UpdateResult(self._apply(new)[1])

    @clean_failures
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read the status by the id in the old outputs: the resource's own id is outdated by a re-creation.

        Somebody to be opted out who is unknown to the service is gone; somebody released is not.
        """
        if not all(props.get(name) for name in decisions.INPUTS):
            raise OptOutFailed("nobody can be imported by id: `optout adopt` takes over who is opted out")
        inputs = decisions.inputs_of(props)
        speaker = self._runtime.snapshot(inputs["domain_id"]).read(inputs["speaker_id"])
        if speaker is None and inputs["ensure"] != Ensure.RELEASED:
            return ReadResult("", {})
        outs = decisions.outputs(inputs, speaker, props.get("opted_out_at"))
        released = inputs["ensure"] == Ensure.RELEASED
        resource_id = id_ if speaker is None or released else decisions.speaker_resource_id(speaker)
        return ReadResult(resource_id, outs, inputs)

    @clean_failures
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Do nothing: to stop managing a person must not re-open enrolment."""

    def _apply(self, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        domain_id, speaker_id = inputs["domain_id"], inputs["speaker_id"]
        snapshot = self._runtime.snapshot(domain_id)
        if inputs["ensure"] == Ensure.RELEASED:
            snapshot.delete(speaker_id)
            resource_id = decisions.released_resource_id(self._label_key, domain_id, speaker_id)
            return resource_id, decisions.outputs(inputs, None)
        speaker = snapshot.opt_out(speaker_id)
        opted_out = speaker.status is SpeakerStatus.OPTED_OUT
        opted_out_at = decisions.timestamp(speaker.updated_at) if opted_out else None
        return decisions.speaker_resource_id(speaker), decisions.outputs(inputs, speaker, opted_out_at)
