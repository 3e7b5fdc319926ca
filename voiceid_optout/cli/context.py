"""The project and stack a command works on."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.config import Grouping, faults
from voiceid_optout.config import read as read_config
from voiceid_optout.memory import no_collection
from voiceid_optout.register import Ensure, load
from voiceid_optout.speakers import (
    LABEL,
    LabelKeys,
    Person,
    Shard,
    label_digits,
    label_with,
    shard_lines,
    shard_of,
    sharded,
)
from voiceid_optout.state import PassphraseError
from voiceid_optout.state import project as projects
from voiceid_optout.state.config_values import as_text
from voiceid_optout.voiceid import place as places
from voiceid_optout.voiceid.aws_config import ENDPOINT_VARIABLE
from voiceid_optout.voiceid.settings import REGION_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from voiceid_optout.config import Config
    from voiceid_optout.register import Entry, Register
    from voiceid_optout.state.passphrase import Crypter
    from voiceid_optout.state.project import Project, StackConfig, StackSettings

DATA_FOLDER = ".optout"
LABEL_KEY, PREVIOUS_LABEL_KEY = "labelKey", "previousLabelKey"
# Of the sandbox as it is shipped: the public passphrase opens it, and to try that takes a third of a second.
SHIPPED_SALT = "v1:LfTudhKBNeo=:v1:OqzBUkjqGv6RgaAG:sHbNnez9NnsswughF7/FfGmlhxC1qw=="
REMOTE = ("s3", "azblob", "gs", "postgres", "https", "http")


@dataclass(frozen=True)
class Context:
    """A stack of a project, before anything is run."""

    project: Project
    settings: StackSettings
    stack: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def is_sandbox(self) -> bool:
        """Whether the stack brings its own service, state folder and passphrase."""
        return self.place.is_sandbox

    @cached_property
    def place(self) -> places.StackPlace:
        """The stack with what its file says of where it reaches."""
        given = self.settings.config
        aws = {key: as_text(given[key]) for key in places.AWS_KEYS if key in given}
        return places.StackPlace(self.project.name, self.stack, self.config, aws)

    @cached_property
    def config(self) -> Config:
        """The settings of the stack file; raises :class:`voiceid_optout.config.ConfigInvalid`."""
        return read_config(self.settings.config, self.project.name)

    def file_faults(self) -> Iterator[str]:
        """Yield what is wrong with the settings of the stack file, or else what contradicts itself in it."""
        if wrong := list(faults(self.settings.config, self.project.name)):
            yield from (f"{self.settings.path.name}: {fault}" for fault in wrong)
            return
        yield from places.file_faults(self.place)
        if self.is_sandbox and self.settings.salt not in (None, SHIPPED_SALT):
            from voiceid_optout.state import passphrase  # noqa: PLC0415 - only where it must be tried

            try:
                passphrase.open_with(places.SANDBOX_PASSPHRASE, self.settings.salt)
            except PassphraseError:
                yield (
                    f"{self.settings.path.name} has {self.project.name}:service: embedded beside an encryptionsalt "
                    "of a passphrase of its own: a sandbox is sealed with one that everybody knows, so take the "
                    "service out, or begin a new stack"
                )

    def crypter(self, environment: Mapping[str, str], salt: str) -> Crypter:
        """Return what opens what the stack's passphrase seals; ``environment`` goes over the shell's."""
        from voiceid_optout.state import passphrase  # noqa: PLC0415 - only where something is sealed

        public = {places.PASSPHRASE: places.SANDBOX_PASSPHRASE} if self.is_sandbox else {}
        return passphrase.open_with(passphrase.find({**self.environment, **environment, **public}), salt)

    def unsealed(self, environment: Mapping[str, str]) -> StackConfig:
        """Return the values of the stack file, secrets in clear."""
        if self.settings.salt is None:
            raise CommandError(f"{self.settings.path.name} has secrets but no encryptionsalt: restore it from Git")
        return projects.resolve(self.settings, self.crypter(environment, self.settings.salt).decrypt)

    @property
    def is_sharded(self) -> bool:
        """Whether many people share a resource."""
        return self.config.grouping is Grouping.SHARDED

    @property
    def data_folder(self) -> Path:
        """The project's git-ignored folder for state and databases."""
        return self.project.root / DATA_FOLDER

    @property
    def service_folder(self) -> Path:
        """Where the sandbox's service keeps its data."""
        return self.data_folder / "service"

    def domains(self) -> tuple[Mapping[str, str], str | None]:
        """Return the aliases of domains and the default domain's id."""
        return self.config.domains, self.config.domain

    def endpoint_environment(self) -> dict[str, str]:
        """Return the variables for the endpoint and region of the stack file, where the shell sets none.

        Without them a refresh asks where the last `up` asked: an engine keeps that run's config in the state.
        """
        result = {}
        ours = ((self.config.endpoint, (ENDPOINT_VARIABLE,)), (self.config.region, REGION_VARIABLES))
        for value, names in ours:
            if value is not None and not any(map(self.environment.get, names)):
                result[names[0]] = value
        return result

    @cached_property
    def register(self) -> Register:
        """The register, read once; raises :class:`voiceid_optout.register.RegisterInvalid`."""
        domains, default = self.domains()
        return load(self.register_folder, domains=domains, default_domain=default)

    @property
    def register_folder(self) -> Path:
        """Where the register is: a directory, or one file."""
        return self.project.root / self.config.register

    @property
    def _backend_url(self) -> str:
        url = "" if self.is_sandbox else self.environment.get("PULUMI_BACKEND_URL", "")
        try:
            known_scheme = not url or urlsplit(url).scheme in ("file", *REMOTE)
        except ValueError:
            known_scheme = False
        if not known_scheme:
            known = ", ".join(f"{scheme}://" for scheme in REMOTE)
            raise CommandError(f"PULUMI_BACKEND_URL is no file:// URL and none of the CLI's others ({known})")
        return url

    @property
    def remote_backend(self) -> str:
        """PULUMI_BACKEND_URL if it is no ``file://`` URL, else nothing; the Pulumi CLI alone goes there."""
        url = self._backend_url
        return "" if urlsplit(url).scheme in ("", "file") else url

    def backend(self) -> Path:
        """Return the folder of the Pulumi backend: the sandbox's own, PULUMI_BACKEND_URL's, or the project's.

        With a remote backend this is a folder that is not used.
        """
        url = self._backend_url
        if not url or self.remote_backend:
            return self.data_folder / "state"
        parts = urlsplit(url)
        path = Path(unquote(f"{parts.netloc}{parts.path}")).expanduser()
        return path if path.is_absolute() else self.project.root / path


@dataclass(frozen=True, slots=True)
class People:
    """Who is listed in a register, by label: what a run and its plan say about each.

    ``declared`` is what the program declares, a resource each. ``places`` has ``file:line`` for every label, those
    of before a change of the key too. ``renamed`` has each label by the one of before, nothing where the key does
    not change. ``reasons`` says why each released person is released, ``tickets`` where each request is filed, as
    the register has it: both may name people.
    """

    declared: tuple[Person, ...] | tuple[Shard, ...] = ()
    count: int = 0
    places: Mapping[str, str] = field(default_factory=dict, repr=False)
    renamed: Mapping[str, str] = field(default_factory=dict, repr=False)
    reasons: Mapping[str, str] = field(default_factory=dict, repr=False)
    tickets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, register: Register, keys: LabelKeys, grouping: Grouping = Grouping.SINGLE, shards: int | None = None
    ) -> Self:
        """Make the label of each, once; ``shards`` as for :func:`voiceid_optout.speakers.sharded`."""
        with no_collection():
            return cls._of(register, keys, grouping, shards)

    @classmethod
    def _of(cls, register: Register, keys: LabelKeys, grouping: Grouping, number: int | None) -> Self:
        entries = register.entries
        declared: tuple[Person, ...] | tuple[Shard, ...]
        if grouping is Grouping.SHARDED:
            shards = [*sharded(entries, keys, number)]
            declared, found = tuple(shard for shard, _ in shards), _Entries.of_shards(entries, shards, keys)
        else:
            declared = persons = keys.people(entries)
            found = _Entries.of_persons(entries, persons)
        return cls(
            declared,
            len(entries),
            _ByLabel(found, lambda entry: f"{entry.file}:{entry.line}"),
            found.renamed,
            _ByLabel(found, lambda entry: (entry.reason or "") if entry.ensure is Ensure.RELEASED else None),
            _ByLabel(found, lambda entry: entry.ticket),
        )


class _Numbers:
    """The number of the entry of each label. Arrays, because a dict takes ten times as much memory."""

    def __init__(self, found: Iterable[tuple[str, int]]) -> None:
        """``found`` has labels with their numbers, in the order of the labels."""
        self._digits, self._numbers = array("Q"), array("I")
        for label, number in found:
            self._digits.append(label_digits(label))
            self._numbers.append(number)

    def get(self, label: str) -> int | None:
        digits = label_digits(label)
        at = bisect_left(self._digits, digits)
        return self._numbers[at] if at < len(self._digits) and self._digits[at] == digits else None

    def __iter__(self) -> Iterator[str]:
        return map(label_with, self._digits)


class _Entries:
    """The entry of each label. Those of shards are looked through when one of their people is asked for."""

    def __init__(self, entries: Sequence[Entry], renamed: Mapping[str, str]) -> None:
        self._entries = entries
        self.renamed = renamed
        self._shards: defaultdict[str, list[tuple[Shard, Sequence[int]]]] = defaultdict(list)
        self._numbers: dict[str, list[_Numbers]] = {}  # by the first digits

    @classmethod
    def of_persons(cls, entries: Sequence[Entry], persons: Sequence[Person]) -> Self:
        found = cls(entries, {one.previous_label: one.label for one in persons if one.previous_label is not None})
        numbers = sorted(range(len(persons)), key=lambda number: persons[number].label)
        pairs = ((persons[number].label, number) for number in numbers)
        for digits, those in groupby(pairs, lambda pair: shard_of(pair[0])):
            found._numbers[digits] = [_Numbers(those)]
        return found

    @classmethod
    def of_shards(
        cls, entries: Sequence[Entry], shards: Iterable[tuple[Shard, Sequence[int]]], keys: LabelKeys
    ) -> Self:
        renamed: dict[str, str] = {}
        found = cls(entries, renamed)
        for shard, numbers in shards:
            found._shards[shard_of(shard.members)].append((shard, numbers))
            if keys.previous is not None:
                after = {speaker_id: label for label, speaker_id in shard_lines(shard.speaker_ids)}
                those = (entries[number] for number in numbers)
                renamed.update((str(keys.previous_label(one)), after[one.speaker_id]) for one in those)
        return found

    def find(self, label: str) -> Entry | None:
        label = self.renamed.get(label, label)
        if LABEL.fullmatch(label) is None:
            return None
        for numbers in self._near(shard_of(label)):
            if (number := numbers.get(label)) is not None:
                return self._entries[number]
        return None

    def _near(self, digits: str) -> list[_Numbers]:
        if digits not in self._numbers:
            shards = self._shards.get(digits, ())
            self._numbers[digits] = [_Numbers(self._take_apart(*shard)) for shard in shards]
        return self._numbers[digits]

    def _take_apart(self, shard: Shard, numbers: Sequence[int]) -> Iterator[tuple[str, int]]:
        places = {self._entries[number].speaker_id: number for number in numbers}
        words = shard.speaker_ids.split()  # label and id in turn, for neither has a blank
        return zip(words[::2], map(places.__getitem__, words[1::2]), strict=True)

    def __iter__(self) -> Iterator[str]:
        for digits in sorted({*self._shards, *self._numbers}):
            for numbers in self._near(digits):
                yield from numbers
        yield from self.renamed


class _ByLabel(Mapping[str, str]):
    """What entries say, by label, made when asked for: a plan has rows of few, a register may list a million."""

    def __init__(self, entries: _Entries, say: Callable[[Entry], str | None]) -> None:
        self._entries, self._say = entries, say

    def __getitem__(self, label: str) -> str:
        entry = self._entries.find(label)
        if entry is None or (text := self._say(entry)) is None:
            raise KeyError(label)
        return text

    def __iter__(self) -> Iterator[str]:
        return (label for label in self._entries if label in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def find(root: Path, stack: str, environment: Mapping[str, str] | None = None) -> Context:
    """Read the project file and the stack file.

    Raises :class:`voiceid_optout.state.ProjectError`, and :class:`CommandError` for a setting that is
    misspelled or of another kind, and for a file that contradicts itself.
    """
    context = read(root, stack, environment)
    if found := list(context.file_faults()):
        raise CommandError("\n".join(found), ExitCode.USAGE)
    return context


def read(root: Path, stack: str, environment: Mapping[str, str] | None = None) -> Context:
    """Read the project file and the stack file, whatever they say."""
    project = projects.load_project(root.resolve())
    shell = os.environ if environment is None else environment
    # A copy: what a command sets for the AWS SDK later is not what the shell has set.
    return Context(project, projects.load_stack(project, stack), stack, dict(shell))


def require_shell(context: Context) -> None:
    """Raise :class:`CommandError` where the shell's variables lead elsewhere than the stack file."""
    if fault := next(places.shell_faults(context.place, context.environment), None):
        raise CommandError(fault, ExitCode.USAGE)


def label_keys(context: Context, environment: Mapping[str, str]) -> LabelKeys:
    """Return the keys of labels; secret ones are decrypted with the passphrase of ``environment``."""
    config = context.config
    if config.sealed:
        values = context.unsealed(environment).values  # it takes a while to derive the passphrase's key
        config = read_config(values, context.project.name)
    return LabelKeys(config.label_key, config.previous_label_key)
