"""Where the secret of a key lies: in the store itself, or outside of it, where a secret manager puts it."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from voiceid_optout.service.errors import ServiceError

_WORLD = 0o007


class SecretError(ServiceError):
    """A secret cannot be had; the text says why and never holds it."""


class Kind(StrEnum):
    """``environment`` and ``file`` are references that every process of the service follows for itself."""

    STORED = "stored"
    ENVIRONMENT = "env"
    FILE = "file"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SecretSource:
    """``text`` is the secret, the variable's name, or the file's path."""

    kind: Kind
    text: str = ""

    def __repr__(self) -> str:
        return f"SecretSource({self.described})"

    @classmethod
    def parse(cls, reference: str) -> "SecretSource":
        """Return the reference that ``env:NAME`` or ``file:PATH`` stands for; raises SecretError."""
        kind, _, text = reference.partition(":")
        if not text or kind not in (Kind.ENVIRONMENT, Kind.FILE):
            raise SecretError(
                "write env:NAME or file:PATH; a secret itself would be seen by every user of the machine"
            )
        return cls(Kind(kind), os.path.abspath(text) if kind == Kind.FILE else text)  # noqa: PTH100  links may move

    @property
    def described(self) -> str:
        """What a list may show."""
        match self.kind:
            case Kind.STORED:
                return "in the store"
            case Kind.ENVIRONMENT | Kind.FILE:
                return f"{self.kind}:{self.text}"
        return "-"

    def resolve(self) -> str:
        """Return the secret; raises SecretError."""
        match self.kind:
            case Kind.STORED:
                return self.text
            case Kind.ENVIRONMENT:
                secret = os.environ.get(self.text, "")
                if not secret:
                    raise SecretError(f"the environment variable {self.text} is not set")
                return secret
            case Kind.FILE:
                return read_private(Path(self.text))
        raise SecretError("the key has no secret any more")


def read_private(path: Path) -> str:
    """Return what a secret's file holds, without the white space around it; raises SecretError.

    A group may read it, because that is how orchestrators mount secrets; everybody may not.
    """
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & _WORLD:
                raise SecretError(f"{path} can be read by every user of this machine; run: chmod o= {path}")
            secret = file.read().strip()
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not text in UTF-8") from None
    if not secret:
        raise SecretError(f"{path} is empty")
    return secret
