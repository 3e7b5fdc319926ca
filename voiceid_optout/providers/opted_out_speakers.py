"""The dynamic provider of OptedOutSpeakers, a shard of many people.

State files hold a reference to ``voiceid_optout.providers.opted_out_speakers.OptedOutSpeakersProvider``: both names
are an interface for ever. The instance that is pickled is empty; settings arrive in ``configure``.
"""

from __future__ import annotations  # an annotation that is evaluated would load botocore

import os
from typing import TYPE_CHECKING, Any

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
from voiceid_optout.providers.plugin import (
    PERSON_ERRORS,
    OptOutFailed,
    Runtime,
    WorkResult,
    clean_failures,
    configured,
)
from voiceid_optout.speakers import ASK_FIRST_VARIABLE, Ensure
from voiceid_optout.voiceid import UNKNOWN

if TYPE_CHECKING:
    from voiceid_optout.providers.decisions import Member
    from voiceid_optout.voiceid import Speaker
    from voiceid_optout.voiceid.snapshot import Snapshot

LABELS_SHOWN = 3  # in an error about single people


class OptedOutSpeakersProvider(ResourceProvider):
    """People of one domain, each opted out or released. Raises OptOutFailed, and nothing else."""

    serialize_as_secret_always = False  # it is a reference: there is nothing to hide

    _runtime: Runtime
    _ask_first: bool

    @clean_failures
    def configure(self, req: ConfigureRequest) -> None:
        """Take endpoint, region and quotas from the stack's config, all text; environment wins."""
        plugin.prepare_process()
        self._runtime = configured(req.config)
        # Where people move from resource to resource nearly everybody is as asked already. So they are while labels
        # change their key, for a label decides who is in which shard.
        self._ask_first = bool(req.config.get("previousLabelKey") or os.environ.get(ASK_FIRST_VARIABLE))

    @clean_failures
    def check(self, old: dict[str, Any], new: dict[str, Any]) -> CheckResult:
        """Validate; calls nobody."""
        inputs, failures = decisions.check_shard(old, new)
        # The CLI prints a named property's value, secret or not; the reason names it as well.
        return CheckResult(inputs, [CheckFailure("", failure.reason) for failure in failures])

    @clean_failures
    def diff(self, _id: str, old: dict[str, Any], new: dict[str, Any]) -> DiffResult:
        """Compare; calls nobody. Never a replacement."""
        return DiffResult(changes=decisions.is_shard_changed(old, new))

    @clean_failures
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Apply what is asked to everybody; succeeds at once for those who are so already."""
        drifted = self._apply(props["domain_id"], decisions.members(props))
        return CreateResult(decisions.shard_resource_id(props), decisions.shard_outputs(props, drifted))

    @clean_failures
    def update(self, _id: str, old: dict[str, Any], new: dict[str, Any]) -> UpdateResult:
        """Apply what is asked to those who are new, changed or drifted; stop managing who is no longer listed."""
        drifted = self._apply(new["domain_id"], decisions.to_apply(old, new))
        return UpdateResult(decisions.shard_outputs(new, drifted))

    @clean_failures
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read everybody's status; a shard is never gone, its people may be."""
        snapshot = self._runtime.snapshot(props["domain_id"])
        people = decisions.members(props)
        snapshot.expect(len(people))
        found = list(zip(people, snapshot.known_all(member.speaker_id for member in people), strict=True))
        outcome = self._runtime.workers.map(
            lambda member: snapshot.read(member.speaker_id), [member for member, known in found if known is UNKNOWN]
        )
        if outcome.failures:
            raise outcome.failures[0][1]
        known = [(member, speaker) for member, speaker in found if speaker is not UNKNOWN]
        drifted = decisions.drifted([*known, *outcome.results])
        return ReadResult(id_, decisions.shard_outputs(props, drifted), decisions.shard_inputs_of(props))

    @clean_failures
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Do nothing: to stop managing people must not re-open enrolment."""

    def _apply(self, domain_id: str, people: list[Member]) -> str:
        """Apply what is asked to people; returns the text of those whom the service gives another status."""
        snapshot = self._runtime.snapshot(domain_id)
        # Many who are new here may be as asked already: the shard was made anew, or a run was cut short. A
        # walk beside the writes finds them fifty times as fast as the writes would.
        snapshot.expect(len(people))
        outcome = self._runtime.workers.map(
            lambda member: _apply_to(snapshot, member, ask_first=self._ask_first), people
        )
        if outcome.failures:
            raise OptOutFailed(_message(outcome, len(people)))
        return decisions.drifted(outcome.results)


def _apply_to(snapshot: Snapshot, member: Member, *, ask_first: bool) -> Speaker | None:
    known = snapshot.read(member.speaker_id) if ask_first else snapshot.known(member.speaker_id)
    if known is not UNKNOWN and decisions.is_member_as_asked(member, known):
        return known
    if member.ensure == Ensure.RELEASED:
        snapshot.delete(member.speaker_id)
        return None
    return snapshot.opt_out(member.speaker_id)


def _message(outcome: WorkResult[Member, Speaker | None], people: int) -> str:
    """Return what went wrong, for whom if it is about single people, and how many are left."""
    fatal = [str(error) for _, error in outcome.failures if not isinstance(error, PERSON_ERRORS)]
    cause = fatal[0] if fatal else str(outcome.failures[0][1])
    labels = sorted(member.label for member, error in outcome.failures if str(error) == cause)
    where = f"{', '.join(labels)}: " if not fatal and len(labels) <= LABELS_SHOWN else ""
    return f"{where}{cause} ({outcome.left:,} of {people:,} people of this shard are left)"
