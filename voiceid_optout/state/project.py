"""The Pulumi project and its stacks as files: Pulumi.yaml and Pulumi.<stack>.yaml."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from voiceid_optout.files import MAX_CONFIG_BYTES, TooMuchError, write_atomic
from voiceid_optout.foreign_text import one_line
from voiceid_optout.state import OutOfScope, OutOfScopeError, ProjectError
from voiceid_optout.state.config_values import RefusedError, as_text, load_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_DOCUMENT_START = re.compile(r"(?:(?:[#%].*)?\n)*---[ \t]*(?:#.*)?\n")
# What no command reads, so that engines and commands would differ: the fault, and what to do instead.
_REFUSED = {
    "config": "put its values under `config:` of each stack file",
    "stackConfigDir": "keep the stack files beside Pulumi.yaml",
    "options": "ask for a refresh with `--refresh`",
}
_CLI_ONLY = ("main", "packages", "plugins", "requiredPulumiVersion")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder.

    ``main`` is the program's path relative to it. ``cli_only`` are the keys that only the Pulumi CLI follows.
    """

    root: Path
    name: str
    main: str
    cli_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StackSettings:
    """A stack file as it stands: config values may hold ``{"secure": ciphertext}``."""

    path: Path
    config: Mapping[str, Any]
    salt: str | None


@dataclass(frozen=True, slots=True)
class StackConfig:
    """Config as programs get it: every value a text (JSON for objects), secrets in clear."""

    values: Mapping[str, str]
    secret_keys: frozenset[str]


def load_project(root: Path) -> Project:
    """Read Pulumi.yaml; raises :class:`ProjectError`."""
    path = root / "Pulumi.yaml"
    document = read_mapping(path)
    if document is None:
        raise ProjectError(f"no Pulumi.yaml in {root}: run this in the project's folder, or pass --cwd")
    name = document.get("name")
    if not isinstance(name, str):
        raise ProjectError(f"{path}: `name` is missing")
    if (problem := name_problem(name)) is not None:
        raise ProjectError(f"{path}: {one_line(repr(name), 60)} is no project's name: {problem}")
    runtime = document.get("runtime")
    runtime_name = runtime.get("name") if isinstance(runtime, dict) else runtime
    if runtime_name != "python":
        raise OutOfScopeError(OutOfScope.RUNTIME, repr(runtime_name), path.name)
    refuse_misplaced(path, document)
    main = str(document.get("main") or ".")
    return Project(
        root, name, main, tuple(key for key in _CLI_ONLY if document.get(key) not in (None, "", ".", {}))
    )


def refuse_misplaced(path: Path, document: Mapping[str, Any]) -> None:
    """Raise :class:`ProjectError` for settings in Pulumi.yaml that belong elsewhere."""
    for key, remedy in _REFUSED.items():
        if document.get(key):
            raise ProjectError(f"{path}: `{key}` is not supported here: {remedy}")


def name_problem(name: str) -> str | None:
    """Return why a project or stack cannot be called so, or None: Pulumi's rules, and no name that is a way up."""
    if name in (".", ".."):
        return "it would lead to another folder"
    return None if _NAME.fullmatch(name) else "use letters, digits, `-`, `_` and `.`, at most 100 of them"


def load_stack(project: Project, stack: str) -> StackSettings:
    """Read the stack file; raises :class:`ProjectError` when the stack has none."""
    if (problem := name_problem(stack)) is not None:
        raise ProjectError(f"{one_line(repr(stack), 60)} is no stack name: {problem}")
    path = project.root / f"Pulumi.{stack}.yaml"
    document = read_mapping(path)
    if document is None:
        known = sorted(item.name[7:-5] for item in project.root.glob("Pulumi.*.yaml"))
        raise ProjectError(f"no stack file {path.name}; the stacks here are: {', '.join(known) or 'none'}")
    if (document.get("secretsprovider") or "passphrase") != "passphrase":
        raise OutOfScopeError(OutOfScope.SECRETS_PROVIDER, path.name)
    if document.get("environment"):
        raise OutOfScopeError(OutOfScope.ENVIRONMENT, path.name)
    salt = document.get("encryptionsalt")
    if salt is not None and not isinstance(salt, str):
        raise ProjectError(f"{path}: `encryptionsalt` must be a text; restore the file from Git")
    config = document.get("config") or {}
    if not isinstance(config, dict):
        raise ProjectError(f"{path}: `config` must be a mapping")
    return StackSettings(path, _config(path, project.name, config), salt)


def _config(path: Path, project: str, config: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the config by its full keys: one without a prefix is the project's, as with the CLI."""
    found: dict[str, Any] = {}
    for name, value in config.items():
        key = name if ":" in str(name) else f"{project}:{name}"
        if not isinstance(name, str) or key.count(":") > 1:
            shown = one_line(repr(name), 60)
            raise ProjectError(f"{path}: {shown} is no config key: write it as `namespace:name`")
        if key in found:
            raise ProjectError(f"{path}: `{one_line(key, 60)}` stands twice, with its prefix and without: keep one")
        if _has_no_number(value):
            raise ProjectError(f"{path}: `{one_line(key, 60)}` is no number that config can hold")
        found[key] = value
    return found


def _has_no_number(value: Any) -> bool:
    """Tell whether infinity, or what is not a number, is among the values; the CLI cannot read them."""
    if isinstance(value, dict):
        return any(map(_has_no_number, value.values()))
    if isinstance(value, list):
        return any(map(_has_no_number, value))
    return isinstance(value, float) and not math.isfinite(value)


def store_salt(settings: StackSettings, salt: str) -> None:
    """Add the encryption salt to the stack file, as the CLI does at a stack's first run; comments stay.

    Raises :class:`ProjectError` when it cannot be written, or would not be read back from where it goes.
    """
    path, line = settings.path, f"encryptionsalt: {salt}\n"
    try:
        text = path.read_text(encoding="utf-8-sig")
        start = found.end() if (found := _DOCUMENT_START.match(text)) else 0
        new = f"{text[:start]}{line}{text[start:]}"
        if not _reads_back(new, salt):
            raise ProjectError(
                f"{path}: add this line to it, in place of any other `encryptionsalt`: {line.strip()}"
            )
        write_atomic(path, new.encode(), 0o644)
    except OSError as error:
        raise ProjectError(f"cannot add the encryption salt to {path}: {error.strerror}") from error


def _reads_back(text: str, salt: str) -> bool:
    try:
        document = load_yaml(text)
    except yaml.YAMLError:
        return False
    return isinstance(document, dict) and document.get("encryptionsalt") == salt


def resolve(settings: StackSettings, decrypt: Callable[[str], str]) -> StackConfig:
    """Return the config in clear, as the program and the provider get it."""
    values: dict[str, str] = {}
    secret: set[str] = set()
    for key, value in settings.config.items():
        if _holds_secret(value):
            secret.add(key)
        values[key] = as_text(_in_clear(value, decrypt))
    return StackConfig(values, frozenset(secret))


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(_holds_secret(item) for item in value.values())
    return isinstance(value, list) and any(_holds_secret(item) for item in value)


def _in_clear(value: Any, decrypt: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            return decrypt(str(value["secure"]))
        return {str(key): _in_clear(item, decrypt) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_clear(item, decrypt) for item in value]
    return value


def read_mapping(path: Path) -> dict[str, Any] | None:
    """Return what a file of the project says, None where there is none; raises :class:`ProjectError`."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CONFIG_BYTES + 1)
        if len(data) > MAX_CONFIG_BYTES:
            raise ProjectError(f"{path}: is larger than {MAX_CONFIG_BYTES // 1024:,} KB")
        document = load_yaml(data.decode("utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProjectError(f"cannot read {path}: {error.strerror}") from error
    except (TooMuchError, RefusedError) as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ProjectError(f"{path}{place}: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ProjectError(f"{path}{place}: is not YAML that can be read") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ProjectError(f"{path}: must be a mapping")
    return document
