"""What the repository itself can prove of what it installs: hashes in all locks, and locks in all installations."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SHA256 = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_INSTALL = re.compile(
    r"""\b(?:pip3?|uv\ pip)\b[^\n;&|]*?\binstall\b(?=\ ) | \binstall\ (?=--[nqrtu]|-r)
    | \bpipx\ (?:install|run)\b | \buv\ (?:tool\ (?:install|run)|sync|add|run)\b | \b(?:uvx|npx|yarn|pnpm)\b
    | \bnpm\ (?:install|i|add|exec|ci)\b | \bcargo\ (?:install|add)\b | \bgo\ (?:install|get|run)\b
    | \bcurl\b[^\n]*\|\ *(?:ba)?sh\b""",
    re.VERBOSE,
)
_INSTALL_IN_PYTHON = re.compile(r""""pi[p]".*"install"|"npm", "(?:install|ci)"|"(?:pipx|uv|npx)",""")
_KEPT = (  # what an installation says that takes nothing without a hash
    re.compile(r"--require-hashes\b"),
    re.compile(r"--no-deps\b.*--no-index\b"),  # this repository's own code, from the disk
    re.compile(r"\bnpm ci\b"),  # which refuses a lock that has no hash or another one
)


def lock_faults(lock: str) -> list[str]:
    """Return what is wrong with a lock of pip: each line needs one version and its hashes, and nothing else."""
    faults = []
    for line in _logical(lock):
        said = line.split(" --hash=")[0]
        try:
            requirement = Requirement(said)
        except InvalidRequirement:
            faults.append(f"{said}: is no requirement")
            continue
        if not re.fullmatch(r"==[^*,]+", str(requirement.specifier)) or requirement.url:
            faults.append(f"{said}: is not one version")
        hashes = line.split()[len(said.split()) :]
        if not hashes or not all(_SHA256.fullmatch(one) for one in hashes):
            faults.append(f"{requirement.name}: has no SHA-256 of its files")
    return faults


def _logical(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r" *\\\n *", " ", "\n".join(lines))
    return [line.strip() for line in joined.splitlines() if line.strip()]


def stale(wanted: str, lock: str) -> list[str]:
    """Return the lines of an ``.in`` file that its lock does not fulfil."""
    pinned: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", lock, re.MULTILINE):
        pinned.setdefault(str(canonicalize_name(name)), set()).add(version)
    faults = []
    for line in _logical(wanted):
        requirement = Requirement(line)
        versions = pinned.get(str(canonicalize_name(requirement.name)), set())
        if not versions or not all(version in requirement.specifier for version in versions):
            faults.append(f"{line}: the lock has {', '.join(sorted(versions)) or 'nothing'}; run make lock")
    return faults


def npm_faults(lock: Mapping[str, Any], package: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a package-lock.json: each package needs its hash, and no index of its own."""
    packages = lock.get("packages", {})
    faults = [] if lock.get("lockfileVersion", 0) >= 3 else ["its version is not 3"]  # noqa: PLR2004 - npm's number
    for name, one in packages.items():
        if name and not one.get("link") and not str(one.get("integrity", "")).startswith("sha512-"):
            faults.append(f"{name}: has no SHA-512 of its files")
        if "resolved" in one:
            faults.append(f"{name}: names an index; versions and hashes are enough")
    if packages.get("", {}).get("dependencies", {}) != package.get("dependencies", {}):
        faults.append("package.json asks for others; run npm install --package-lock-only")
    return faults


def go_faults(module: str, sums: str) -> list[str]:
    """Return the modules of a go.mod without a hash in go.sum."""
    required = re.findall(r"^\s*(?:require\s+)?([\w.-]+\.[\w./-]+) (v\S+)", module, re.MULTILINE)
    known = {tuple(line.split()[:2]) for line in sums.splitlines() if re.fullmatch(r"\S+ \S+ h1:\S{44}", line)}
    return [f"{name} {version}: has no hash" for name, version in required if not {(name, version)} <= known]


def maven_pins(pom: str) -> tuple[dict[str, str], list[str]]:
    """Return the versions of a pom.xml's dependencies, and those that are no exact version."""
    values = dict(re.findall(r"<([\w.]+\.version)>([^<]+)</", pom))
    found = re.findall(
        r"<dependency>\s*<groupId>([^<]+)</groupId>\s*<artifactId>([^<]+)</artifactId>\s*<version>([^<]+)<", pom
    )
    pins = {f"{group}:{name}": values.get(version.strip("${}"), version) for group, name, version in found}
    faults = [
        f"{name} {version}: is not one version"
        for name, version in pins.items()
        if not re.fullmatch(r"\d[\w.-]*", version) or "SNAPSHOT" in version
    ]
    missing = pom.count("<dependency>") - len(found)
    return pins, faults + ([f"{missing} dependencies without a version"] if missing else [])


def cargo_pins(manifest: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return the versions of a Cargo.toml's dependencies, and those that are no exact version."""
    tables = ("dependencies", "dev-dependencies", "build-dependencies")
    wanted = {name: one for table in tables for name, one in manifest.get(table, {}).items()}
    versions = {name: one if isinstance(one, str) else one.get("version", "") for name, one in wanted.items()}
    faults = [
        f"{name} {version}: is not one version"
        for name, version in versions.items()
        if not re.fullmatch(r"=\d[\w.+-]*", version)
    ]
    return {name: version.removeprefix("=") for name, version in versions.items()}, faults


def installations(file: str, text: str) -> list[str]:
    """Return the commands of a file that install something of others."""
    joined = re.sub(r"\\\n\s*", " ", text)
    lines = [line.strip() for line in joined.splitlines() if not line.lstrip().startswith("# ")]
    if file.endswith(".py"):
        return [line for line in lines if _INSTALL_IN_PYTHON.search(line)]
    if file.endswith((".md", ".md.template")):
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [line for line in lines if _INSTALL.search(line)]


def without_hashes(
    texts: Mapping[str, str], allowed: Mapping[tuple[str, str], str]
) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the installations that check no hash and are not allowed, and what is allowed and no more needed.

    ``allowed`` has the reasons, by a regular expression of the file and one of the command.
    """
    faults, used = [], set()
    for file, text in texts.items():
        for command in installations(file, text):
            if any(kept.search(command) for kept in _KEPT):
                continue
            known = [key for key in allowed if re.fullmatch(key[0], file) and re.search(key[1], command)]
            used.update(known)
            if not known:
                faults.append(f"{file}: {command}")
    return faults, [key for key in allowed if key not in used]


def differing(installed: Mapping[str, str], locked: Mapping[str, Iterable[str]]) -> list[str]:
    """Return what an environment has in another version than its locks, or beside them."""
    own = {"pip", "setuptools", "voiceid-optout"}
    return [
        f"{name} {version}: the lock has {', '.join(sorted(locked.get(name, ()))) or 'none'}"
        for name, version in sorted(installed.items())
        if name not in own and version not in set(locked.get(name, ()))
    ]


def vulnerable_npm(report: str) -> list[str] | None:
    """Return what `npm audit --json` found; None if it was not told."""
    try:
        told = json.loads(report)
    except ValueError:
        return None
    if not isinstance(told, dict) or "vulnerabilities" not in told:
        return None
    return [f"{name}: {one.get('severity')}, {one.get('range')}" for name, one in told["vulnerabilities"].items()]


def vulnerable_python(report: str) -> list[str] | None:
    """Return what `pip-audit --format json` found; None if no package was looked up.

    pip-audit skips what its data do not have, and succeeds. A single unknown package is a fault; all are no answer.
    """
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    if packages and all("skip_reason" in one for one in packages):
        return None
    return [f"{one['name']}: {one['skip_reason']}" for one in packages if "skip_reason" in one] + [
        f"{one['name']} {one['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none'}"
        for one in packages
        for found in one.get("vulns", ())
    ]
