"""The runs of a stack that concerned a person: what they did to the person, by which plan of which commit.

A file backend keeps a record and a checkpoint of every run, in the same form whichever engine ran. Two checkpoints
that follow each other are compared for the person. All of it is input: a file that cannot be read is passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from voiceid_optout import urn as urns
from voiceid_optout.files import read_json
from voiceid_optout.speakers import ABSENT, SHARD_TYPE, SPEAKER_TYPE, Ensure, SpeakerStatus, shard_lines
from voiceid_optout.state import StackError, trust, values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LIMIT = 1_000  # runs that are looked at, the newest first
_COMMIT = re.compile(r"\bcommit ([0-9a-f]{40}|[0-9a-f]{64})\b")
_PLAN = re.compile(r"\bplan ([0-9a-f]{32,64})\b")
_LABEL = re.compile(rb"sp-[0-9a-f]{16}(?![0-9a-f])")
_LAST_SECOND = 253_402_300_799  # of the year 9999
_BAD = (LookupError, ValueError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Managed:
    """What a checkpoint has of a person. A shard has no time of the opt-out."""

    label: str
    ensure: str
    status: str | None
    opted_out_at: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """A run that changed something of a person; ``before`` and ``after`` are None where the state had them not."""

    at: datetime
    kind: str  # update, refresh, destroy
    succeeded: bool
    plan: str | None
    commit: str | None
    before: Managed | None
    after: Managed | None


@dataclass(frozen=True, slots=True)
class Record:
    """What a run says of itself."""

    at: datetime
    kind: str
    succeeded: bool
    message: str = field(repr=False)

    @property
    def commit(self) -> str | None:
        """The commit that the message names."""
        found = _COMMIT.search(self.message)
        return None if found is None else found[1]

    @property
    def plan(self) -> str | None:
        """The digest of the plan that the message names, as long as it is there."""
        found = _PLAN.search(self.message)
        return None if found is None else found[1]


def read_record(path: Path) -> Record | None:
    """Return a run's record, None if it cannot be read."""
    try:
        content = read_json(path.read_bytes())
        at = datetime.fromtimestamp(min(max(int(content.get("endTime") or 0), 0), _LAST_SECOND), UTC)
        kind, message = content.get("kind"), content.get("message")
        return Record(
            at,
            kind if kind in ("update", "refresh", "destroy", "preview") else "run",
            content.get("result") == "succeeded",
            message if isinstance(message, str) else "",
        )
    except (OSError, *_BAD):
        return None


def newest_record(folder: Path) -> Record | None:
    """Return the record of the last run in a history's folder."""
    newest = max(folder.glob("*.history.json"), default=None, key=_order)
    return None if newest is None else read_record(newest)


def _order(path: Path) -> tuple[int, str]:
    digits = path.name.removesuffix(".history.json").rpartition("-")[2]
    return (int(digits) if digits.isdecimal() else 0, path.name)


def runs(
    folder: Path,
    domain_id: str,
    speaker_id: str,
    labels: set[str],
    unseal: Callable[[str], Callable[[str], str]],
    say: Callable[[str], None],
    limit: int = LIMIT,
) -> tuple[Run, ...]:
    """Return the runs that concerned a person, the oldest first.

    ``folder`` is a stack's history. ``labels`` are those that the person is known by; labels of earlier keys are
    found through the sealed ids, which ``unseal`` opens: it returns what decrypts with a salt, or raises
    StackError. ``say`` is told what is not looked at.
    """
    records = sorted(folder.glob("*.history.json"), key=_order, reverse=True)
    if len(records) > limit:
        say(f"only the last {limit:,} of {len(records):,} runs were looked at")
    search = _Search(domain_id, speaker_id, set(labels), unseal)
    seen: list[tuple[Record, Managed | None]] = []
    unread = 0
    for path in islice(records, limit + 1):
        checkpoint = path.with_name(path.name.removesuffix(".history.json") + ".checkpoint.json")
        record = read_record(path)
        try:
            managed = search.find(checkpoint.read_bytes())
        except (OSError, StackError, *_BAD):
            record = None
        if record is None:
            unread += 1
        else:
            seen.append((record, managed))
    if unread:
        say(f"{unread:,} runs could not be read, or not with this passphrase")
    is_cut = len(records) > limit
    found = []
    before: Managed | None = None
    for number, (record, after) in enumerate(reversed(seen)):
        if _is_changed(before, after) and not (is_cut and number == 0):
            found.append(Run(record.at, record.kind, record.succeeded, record.plan, record.commit, before, after))
        before = after
    return tuple(found)


def _is_changed(before: Managed | None, after: Managed | None) -> bool:
    """Tell whether a run did something to the person; to move people into shards or out of them is nothing."""
    if before is None or after is None or None in (before.opted_out_at, after.opted_out_at):
        return _without_time(before) != _without_time(after)
    return before != after


def _without_time(managed: Managed | None) -> Managed | None:
    return None if managed is None else replace(managed, opted_out_at=None)


@dataclass(slots=True)
class _Search:
    """Finds a person in checkpoints, from the newest to the oldest, whatever key their labels had."""

    domain_id: str
    speaker_id: str = field(repr=False)
    labels: set[str]
    unseal: Callable[[str], Callable[[str], str]]
    ids: set[str] = field(default_factory=set)  # of the person's resource: it stays when the label changes
    of_others: set[str] = field(default_factory=set)  # labels that are not the person's

    def find(self, data: bytes) -> Managed | None:
        """Return what a checkpoint has of the person; raises StackError, ValueError and such for a bad one."""
        labels = {found.decode() for found in _LABEL.findall(data)}
        new = labels - self.of_others - self.labels
        if not (new or labels & self.labels or any(one.encode() in data for one in self.ids)):
            return None
        latest = trust.latest(read_json(data))
        resources = latest.get("resources") or []
        found = next(filter(None, map(self._known, resources)), None)
        if found is None and new:
            decrypt = self.unseal(trust.salt_of({"checkpoint": {"latest": latest}}) or "")
            opened = (self._unsealed(item, decrypt, new) for item in resources)
            if (label := next(filter(None, opened), None)) is not None:
                self.labels.add(label)
                found = next(filter(None, map(self._known, resources)), None)
        self.of_others |= new - self.labels
        return found

    def _known(self, item: Mapping[str, Any]) -> Managed | None:
        kind, inputs, outputs = _parts(item)
        if kind == SPEAKER_TYPE and (urns.name(item["urn"]) in self.labels or item.get("id") in self.ids):
            self.ids.add(str(item.get("id")))
            self.labels.add(urns.name(item["urn"]))
            status, at = outputs.get("status"), outputs.get("opted_out_at")
            return Managed(urns.name(item["urn"]), str(inputs.get("ensure")), _status(status), _text(at))
        if kind == SHARD_TYPE:
            drifted = dict(shard_lines(str(outputs.get("drifted") or "")))
            for label, ensure in shard_lines(str(inputs.get("members") or "")):
                if label in self.labels:
                    asked = None if ensure == Ensure.RELEASED else str(SpeakerStatus.OPTED_OUT)
                    return Managed(label, ensure, _status(drifted.get(label, asked)), None)
        return None

    def _unsealed(self, item: Mapping[str, Any], decrypt: Callable[[str], str], new: set[str]) -> str | None:
        """Return the label that a resource has for the person, if it is one of the new ones."""
        kind, inputs, _ = _parts(item)
        if inputs.get("domain_id") != self.domain_id:
            return None
        if kind == SPEAKER_TYPE and urns.name(item["urn"]) in new:
            opened = values.plain_value(values.decode(inputs.get("speaker_id"), decrypt))
            return urns.name(item["urn"]) if opened == self.speaker_id else None
        if kind == SHARD_TYPE and any(label in new for label, _ in shard_lines(str(inputs.get("members")))):
            opened = values.plain_value(values.decode(inputs.get("speaker_ids"), decrypt))
            return next((label for label, one in shard_lines(str(opened)) if one == self.speaker_id), None)
        return None


def _parts(item: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    return urns.type_of(item["urn"]), item.get("inputs") or {}, item.get("outputs") or {}


def _status(value: object) -> str | None:
    return None if not value or value == ABSENT else str(value)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
