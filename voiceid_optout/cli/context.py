"""The project and stack a command works on."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.config import Grouping, faults
from voiceid_optout.config import read as read_config
from voiceid_optout.register import Ensure, load
from voiceid_optout.speakers import LabelKeys
from voiceid_optout.state import PassphraseError
from voiceid_optout.state import project as projects
from voiceid_optout.state.config_values import as_text
from voiceid_optout.voiceid import place as places
from voiceid_optout.voiceid.aws_config import ENDPOINT_VARIABLE
from voiceid_optout.voiceid.settings import REGION_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voiceid_optout.config import Config
    from voiceid_optout.register import Register
    from voiceid_optout.speakers import Person
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
        """The settings of the stack's file; raises :class:`voiceid_optout.config.ConfigInvalid`."""
        return read_config(self.settings.config, self.project.name)

    def file_faults(self) -> Iterator[str]:
        """Yield what is wrong with the settings of the stack's file, or else what contradicts itself in it."""
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
        """Return the values of the stack's file, secrets in clear."""
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
        """Return the variables for the endpoint and region of the stack's file, where the shell sets none.

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
        if url and urlsplit(url).scheme not in ("file", *REMOTE):
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

    ``places`` has ``file:line`` for every label, those of before a change of the key too. ``renamed`` has each
    label by the one of before, nothing where the key does not change. ``reasons`` says why each released person is
    released, ``tickets`` where each request is filed, as the register has it: both may name people.
    """

    persons: tuple[Person, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict, repr=False)
    renamed: Mapping[str, str] = field(default_factory=dict, repr=False)
    reasons: Mapping[str, str] = field(default_factory=dict, repr=False)
    tickets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, register: Register, keys: LabelKeys) -> Self:
        """Make the label of each, once."""
        persons = keys.people(register.entries)
        places, renamed, reasons, tickets = {}, {}, {}, {}
        for entry, person in zip(register.entries, persons, strict=True):
            place = f"{entry.location.file}:{entry.location.line}"
            if person.previous_label is not None:
                places[person.previous_label] = place
                renamed[person.previous_label] = person.label
            places[person.label] = place
            if entry.ensure is Ensure.RELEASED:
                reasons[person.label] = entry.reason or ""
            if entry.ticket is not None:
                tickets[person.label] = entry.ticket
        return cls(persons, places, renamed, reasons, tickets)


def find(root: Path, stack: str, environment: Mapping[str, str] | None = None) -> Context:
    """Read the project and stack files.

    Raises :class:`voiceid_optout.state.ProjectError`, and :class:`CommandError` for a setting that is
    misspelled or of another kind, and for a file that contradicts itself.
    """
    context = read(root, stack, environment)
    if found := list(context.file_faults()):
        raise CommandError("\n".join(found), ExitCode.USAGE)
    return context


def read(root: Path, stack: str, environment: Mapping[str, str] | None = None) -> Context:
    """Read the project and stack files, whatever they say."""
    project = projects.load_project(root.resolve())
    shell = os.environ if environment is None else environment
    # A copy: what a command sets for the AWS SDK later is not what the shell has set.
    return Context(project, projects.load_stack(project, stack), stack, dict(shell))


def require_shell(context: Context) -> None:
    """Raise :class:`CommandError` where the shell's variables lead elsewhere than the stack's file."""
    if fault := next(places.shell_faults(context.place, context.environment), None):
        raise CommandError(fault, ExitCode.USAGE)


def label_keys(context: Context, environment: Mapping[str, str]) -> LabelKeys:
    """Return the keys of labels; secret ones are decrypted with the passphrase of ``environment``."""
    config = context.config
    if config.sealed:
        values = context.unsealed(environment).values  # it takes a while to derive the passphrase's key
        config = read_config(values, context.project.name)
    return LabelKeys(config.label_key, config.previous_label_key)
