"""Where `optout adopt` puts people: the domain, and the file of the register."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.register_files import RegisterFiles, opened
from voiceid_optout.register.discover import SUFFIXES, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.cli.context import Context

SCHEMA = "optouts.schema.json"


@dataclass(frozen=True, slots=True)
class Target:
    """The domain that is adopted, and the file that people go to; ``file`` None is up to the register."""

    folder: Path
    domains: Mapping[str, str]
    default_domain: str | None
    domain_id: str
    file: Path | None

    @classmethod
    def find(cls, context: Context, domain: str | None, file: Path | None) -> Target:
        """Resolve the options, and make sure that the register is valid and the file can be told."""
        domains, default = context.domains()
        folder = context.project.root / str(context.setting("register") or "config")
        name = domain or default
        if name is None:
            raise CommandError("say which domain: --domain, or voiceid-optout:domain in the stack", ExitCode.USAGE)
        with opened(folder, domains, default, may_be_missing=True) as files:
            target = cls(folder, domains, default, files.domain_id(name), file)
            target.choose(files)
            return target

    def choose(self, files: RegisterFiles) -> str:
        """Return the name of the file to write to; one that is to be made is taken in."""
        if self.file is not None:
            path = self._new_path(self.file)
            if path is None:
                return files.choose(self.file, self.domain_id)[0]
        else:
            candidates = files.choose(None, self.domain_id)
            if len(candidates) == 1:
                return candidates[0]
            if candidates:
                which = ", ".join(candidates)
                raise CommandError(
                    f"several files are about this domain: choose one with --file: {which}", ExitCode.USAGE
                )
            path = self.folder / f"{self._alias()}.yaml"
        if path.exists() or self.folder.is_file():
            raise CommandError(f"{shown(path)} is about another domain: say where to with --file", ExitCode.USAGE)
        modeline = f"# yaml-language-server: $schema={SCHEMA}\n" if (self.folder / SCHEMA).exists() else ""
        return files.start(path, f"{modeline}domain: {self._alias()}\nspeakers: []\n")

    def _new_path(self, file: Path) -> Path | None:
        """Return the path of a file that is to be made; None if it is there."""
        if any(path.exists() for path in (file, self.folder.parent / file, self.folder / file)):
            return None
        path = self.folder / file.name
        beside = file.parent == Path() or file.parent.resolve() == self.folder.resolve()
        below = (self.folder.parent / file.parent).resolve() == self.folder.resolve()
        if not (beside or below) or file.suffix.lower() not in SUFFIXES or file.name.startswith("."):
            folder = shown(Path(self.folder.name))
            raise CommandError(
                f"--file {shown(file)} would be no file of the register: choose {folder}/NAME.yaml", ExitCode.USAGE
            )
        return path

    def _alias(self) -> str:
        return next((alias for alias, found in self.domains.items() if found == self.domain_id), self.domain_id)
