"""Everything of a release but publishing: build, compare, install, describe. What to publish is in ``dist/``."""

from __future__ import annotations

import argparse
import filecmp
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.release import changelog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "tools" / "release" / ".venv" / "bin"
LOCKS = ("requirements.txt", "requirements-dev.txt", "deploy/container/requirements.txt")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z,-]+\])?==([^\s;\\]+)(?: *; *([^\\\n]*[^\\\n ]))?", re.MULTILINE)


class RefusedError(Exception):
    """Something that must not be released, in one sentence."""


def pins(lock: str) -> dict[str, set[str]]:
    """Return the versions that a lock file allows, by package; more than one if they depend on the platform."""
    found: dict[str, set[str]] = {}
    for name, pinned, _ in _PIN.findall(lock):
        found.setdefault(str(canonicalize_name(name)), set()).add(pinned)
    return found


def lock_faults(requirements: Iterable[str], locks: Mapping[str, str], needing: Iterable[str]) -> list[str]:
    """Return where the locks named in ``needing`` do not fulfil the requirements, and where locks differ."""
    read = {name: pins(text) for name, text in locks.items()}
    faults = []
    for requirement in map(Requirement, requirements):
        name = str(canonicalize_name(requirement.name))
        for lock in needing:
            versions = read[lock].get(name, set())
            if not versions:
                faults.append(f"{lock}: {name} is not there")
            faults += [
                f"{lock}: {name} {one} is not {requirement}" for one in versions if one not in requirement.specifier
            ]
    for name in {name for pinned in read.values() for name in pinned}:
        different = {lock: pinned[name] for lock, pinned in read.items() if name in pinned}
        if len(set(map(frozenset, different.values()))) > 1:
            faults.append(f"{name} has different versions: {different}")
    return sorted(faults)


def sbom_faults(sbom: Mapping[str, Any], installed: Mapping[str, str]) -> list[str]:
    """Return the packages in which a CycloneDX document and an environment differ."""
    components = [*sbom.get("components", []), *filter(None, [sbom.get("metadata", {}).get("component")])]
    listed = {str(canonicalize_name(one["name"])): one.get("version", "") for one in components}
    names = sorted(listed.keys() | installed.keys())
    return [
        f"{name}: {listed.get(name, 'not in the SBOM')} and {installed.get(name, 'not installed')}"
        for name in names
        if listed.get(name) != installed.get(name)
    ]


def version_faults(version: str, tag: str | None, root: Path) -> list[str]:
    """Return where a version stands that should be asked for, and whether the tag is another one."""
    faults = [] if tag in (None, f"v{version}") else [f"the tag {tag} is not v{version}"]
    files = [
        path for folder in ("voiceid_optout", "deploy") for path in (root / folder).rglob("*") if path.is_file()
    ]
    told = re.compile(rf"(?<![\w.]){re.escape(version)}(?![\w.])")
    own = [
        path for path in files if path.suffix in {".py", ".toml", ".yml", ".yaml"} or path.name == "Containerfile"
    ]
    faults += [
        f"{path.relative_to(root)} says {version}; ask importlib.metadata"
        for path in own
        if told.search(path.read_text(encoding="utf-8"))
    ]
    return faults


def changelog_faults(text: str, fragments: Sequence[str], version: str, *, final: bool) -> list[str]:
    """Return what the changelog lacks. Before the release, fragments stand for an entry."""
    entry = changelog.section(text, version)
    if final and entry is None:
        return [f"CHANGELOG.md has no section for {version}: make changelog RELEASE=yes"]
    if final and fragments:
        return [f"changelog.d has {len(fragments)} fragments yet: make changelog RELEASE=yes"]
    return [] if entry is not None or fragments else [f"nothing is said of {version}"]


def require(step: str, faults: Iterable[str]) -> None:
    """Say that a step is done, or raise with what is wrong."""
    listed = list(faults)
    if listed:
        raise RefusedError(f"{step}: " + "; ".join(listed))
    print(f"ok  {step}", flush=True)


def called(*command: object, **more: Any) -> str:
    """Run a command and return what it printed."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **more)
    if done.returncode:
        raise RefusedError(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    return str(done.stdout)


def built(folder: Path, epoch: str) -> list[Path]:
    """Build wheel and sdist from a copy of what Git has, in a folder of its own."""
    source = folder / "source"
    source.mkdir(parents=True)
    listed = called("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(folder / "dist")]
    called(*command, cwd=source, env={**os.environ, "SOURCE_DATE_EPOCH": epoch})
    return sorted((folder / "dist").iterdir())


def environment(folder: Path, wheel: Path) -> Path:
    """Install the lock and the wheel into an empty environment and return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    called(*pip, "--require-hashes", "-r", ROOT / "requirements.txt")
    called(*pip, "--no-deps", "--no-index", wheel)
    called(python, "-m", "pip", "check")
    return python


def installed(python: Path) -> dict[str, str]:
    """Return the packages of an environment."""
    (packages,) = python.parents[1].glob("lib/python3*/site-packages")
    return {str(canonicalize_name(one.name)): one.version for one in distributions(path=[str(packages)])}


def sbom(target: Path, *source: object) -> dict[str, Any]:
    """Write a CycloneDX document and return it."""
    options = ["--output-format", "JSON", "--output-reproducible", "--validate", "--output-file", target]
    called(TOOLS / "cyclonedx-py", *source[:1], *options, *source[1:])
    document: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return document


def check(output: Path, tag: str | None) -> None:
    """Do every step, and put what is to be published into a folder."""
    version = changelog.version()
    require("the version is in one place", version_faults(version, tag, ROOT))
    fragments = [path.name for path in (ROOT / "changelog.d").glob("*.md") if path.name != "README.md"]
    text = changelog.CHANGELOG.read_text(encoding="utf-8")
    require("the changelog speaks of it", changelog_faults(text, fragments, version, final=tag is not None))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["service"]]
    locks = {name: (ROOT / name).read_text(encoding="utf-8") for name in LOCKS}
    require("the locks agree with each other", lock_faults(wanted, locks, [LOCKS[0], LOCKS[2]]))
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        epoch = called("git", "log", "-1", "--format=%ct", cwd=ROOT).strip()
        old = os.umask(0o022)
        first = built(work / "one", epoch)
        os.umask(0o077)
        second = built(work / "two, elsewhere", epoch)
        os.umask(old)
        pairs = zip(first, second, strict=True)
        require(
            "two builds are the same",
            (
                one.name
                for one, other in pairs
                if one.name != other.name or not filecmp.cmp(one, other, shallow=False)
            ),
        )
        called(TOOLS / "twine", "check", "--strict", *first)
        require("twine finds nothing", ())
        (wheel,) = (path for path in first if path.suffix == ".whl")
        python = environment(work / "empty", wheel)
        told = called(python.parent / "optout", "--version", cwd=work)
        require("it is installed into an empty environment", [told.strip()] * (version not in told.split()[-1]))
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        document = sbom(output / f"voiceid-optout-{version}.cdx.json", "environment", python)
        require("the SBOM lists what is installed", sbom_faults(document, installed(python)))
        lock = ROOT / LOCKS[2]
        image = sbom(output / f"voiceid-optout-{version}-image.cdx.json", "requirements", lock)
        listed = {name: next(iter(found)) for name, found in pins(locks[LOCKS[2]]).items()}
        require("the SBOM of the image lists what it locks", sbom_faults(image, listed))
        for path in first:
            shutil.copy(path, output)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in sorted(output.iterdir())]
    (output / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8")
    print("\n".join(sums))


def main() -> int:
    """Check, and tell the first thing that is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    parser.add_argument("--tag", help="the tag of the release; without one the changelog may still be in fragments")
    given = parser.parse_args()
    try:
        check(given.output, given.tag or None)
    except RefusedError as refused:
        print(f"not to be released: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
