"""``make audit``: is all that the project, its tests and its tools install locked, as locked, and not vulnerable?

Locks, installations and environments are looked at on this machine. Known vulnerabilities are asked of the network:
of PyPI by pip-audit, of npm by npm audit, of OSV for Go, Rust and Java. Ends with 1 if anything is wrong, and with
3 if nothing is but somebody could not be asked. ``--offline`` asks nobody.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.audit import locks
from tools.release.check import called, installed, pins, sbom, sbom_faults

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
TOOLS = Path(__file__).parent / ".venv" / "bin"
OSV = os.environ.get("OPTOUT_OSV", "https://api.osv.dev")
UNREACHABLE = 3
WITHOUT_IN = {  # locks of pyproject.toml
    *("requirements.txt", "requirements-dev.txt", "deploy/container/requirements.txt", "tools/lowest.txt"),
}
ENVIRONMENTS = {  # and the locks of what is in them
    ".venv": ["requirements.txt", "requirements-dev.txt"],
    "tests/clients/.venv": ["tests/clients/awscli.txt"],
    "tools/audit/.venv": ["tools/audit/audit.txt"],
    "tools/mutation/.venv": ["requirements-dev.txt", "tools/mutation/mutation.txt"],
    "tools/policies/.venv": ["tools/policies/parliament.txt"],
    "tools/release/.venv": ["tools/release/release.txt"],
    "tools/site/.venv": ["tools/site/site.txt"],
    "tools/workflows/.venv": ["tools/workflows/zizmor.txt"],
}
_SETUP = r"\.github/actions/setup/action\.yml"
ALLOWED = {
    (r"(README|docs/.*|examples/.*)\.md", r"voiceid-optout"): (
        "a reader installs the published package: the index gives the hashes, and the version is theirs to choose"
    ),
    (_SETUP, r'quiet install "\$@"'): "the function that the lines below it call",
    (_SETUP, r'--no-deps "voiceid-optout=='): (
        "the package itself, after its dependencies by hash: its own is not known before it is published"
    ),
    (rf"{_SETUP}|templates/optout\.yml|examples/pulumi-cli/optout\.yml", r"-r .*requirements\.txt"): (
        "the lock of the user's repository: pip asks for every hash as soon as one is in it"
    ),
    (
        r"tools/matrix\.py",
        r'"--upgrade", "pip"',
    ): "the newest pip, for the cell that asks for the newest of everything",
    (r"tools/matrix\.py", r"\*arguments"): "a test of it checks that the locked cells ask for hashes",
    (r"tools/release/check\.py", r"pip = "): "its two calls ask for hashes, and for no index",
}
NOT_COMMANDS = (".lock", ".svg", ".css", ".js", "package-lock.json", "CHANGELOG.md")


class Report:
    """Prints each step, and remembers how it went."""

    def __init__(self) -> None:
        self.faults = 0
        self.unasked = 0

    def step(self, about: str, faults: Iterable[str] | None, source: str = "") -> None:
        """Print a step. No list means that there was no answer."""
        if faults is None:
            self.unasked += 1
            print(f"??  {about}: {source} could not be asked", flush=True)
            return
        listed = list(faults)
        self.faults += len(listed)
        print(f"{'NO' if listed else 'ok'}  {about}", *listed, sep="\n      ", flush=True)


def files(*patterns: str) -> list[str]:
    """Return the files of the repository that fit."""
    listed = called("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns, cwd=ROOT)
    return sorted(name for name in listed.split("\0") if name and (ROOT / name).is_file())


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def python_locks() -> list[str]:
    """Return the lock files of pip: they are texts with hashes."""
    return [
        name for name in files("*.txt") if "--hash=" in text(name) or name in WITHOUT_IN or _wanted(name).exists()
    ]


def _wanted(lock: str) -> Path:
    return (ROOT / lock).with_suffix(".in")


def repository(report: Report) -> None:
    """Check the files of the repository."""
    found = python_locks()
    lost = [f"{name}: is gone" for name in sorted(WITHOUT_IN - {*found})]
    unlocked = [f"{name}: has no lock" for name in files("*.in") if not (ROOT / name).with_suffix(".txt").exists()]
    made = [f"{name}: make lock does not make it" for name in found if name not in text("Makefile")]
    report.step("every list of Python packages has its lock", [*lost, *unlocked, *made])
    for name in found:
        wanted = _wanted(name)
        faults = locks.stale(wanted.read_text(encoding="utf-8"), text(name)) if wanted.exists() else []
        report.step(f"{name} has one version and its hashes a package", [*locks.lock_faults(text(name)), *faults])
    for name in files("*package.json"):
        lock = ROOT / name.replace("package.json", "package-lock.json")
        faults = locks.npm_faults(json.loads(lock.read_text(encoding="utf-8")), json.loads(text(name)))
        report.step(f"{lock.relative_to(ROOT)} has its hashes", faults)
    for name in files("*go.mod"):
        report.step(f"{name} has its hashes", locks.go_faults(text(name), text(name.replace(".mod", ".sum"))))
    for name in files("*pom.xml"):
        report.step(f"{name} has exact versions", locks.maven_pins(text(name))[1])
    for name in files("*Cargo.toml"):
        report.step(f"{name} has exact versions", locks.cargo_pins(tomllib.loads(text(name)))[1])
    listed = [name for name in files() if not name.startswith("tests/") and not name.endswith(NOT_COMMANDS)]
    texts = {name: text(name) for name in listed if b"\0" not in (ROOT / name).read_bytes()}
    faults, unused = locks.without_hashes(texts, ALLOWED)
    faults += [f"allowed and not needed: {file}: {command}" for file, command in unused]
    report.step("every installation asks for hashes, or has a reason", faults)


def environments(report: Report) -> None:
    """Compare what is installed here with the locks, and with an SBOM made of it."""
    for folder, names in ENVIRONMENTS.items():
        python = ROOT / folder / "bin" / "python"
        if not (ROOT / folder / "pyvenv.cfg").exists():
            continue
        locked: dict[str, set[str]] = {}
        for name in names:
            for package, versions in pins(text(name)).items():
                locked.setdefault(package, set()).update(versions)
        report.step(f"{folder} has what is locked", locks.differing(installed(python), locked))
    python = ROOT / ".venv" / "bin" / "python"
    with tempfile.TemporaryDirectory() as temporary:
        document = sbom(Path(temporary, "sbom.json"), "environment", python)
    report.step("the SBOM of .venv lists what is installed", sbom_faults(document, installed(python)))


def online(report: Report) -> None:
    """Ask who collects vulnerabilities. Who does not answer once is not asked again."""
    answered = True
    for name in python_locks():
        if answered:
            command = [TOOLS / "pip-audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
            done = subprocess.run(
                [*command, "--format", "json", "-r", name], cwd=ROOT, capture_output=True, text=True, check=False
            )
            found = locks.vulnerable_python(done.stdout)
            answered = found is not None
        report.step(
            f"{name} has no known vulnerability", found if answered else None, "PyPI's list of vulnerabilities"
        )
    answered = True
    for name in files("*package-lock.json"):
        if answered:
            done = subprocess.run(
                ["npm", "audit", "--package-lock-only", "--json"],
                cwd=(ROOT / name).parent,
                capture_output=True,
                text=True,
                check=False,
            )
            found = locks.vulnerable_npm(done.stdout)
            answered = found is not None
        report.step(
            f"{name} has no known vulnerability", found if answered else None, "npm's list of vulnerabilities"
        )
    for name, ecosystem, pinned in others():
        found = osv(ecosystem, pinned)
        report.step(f"{name} has no known vulnerability", found, "OSV's list of vulnerabilities")


def others() -> list[tuple[str, str, dict[str, str]]]:
    """Return the files that neither pip-audit nor npm reads, with their versions."""
    found = [(name, "Maven", locks.maven_pins(text(name))[0]) for name in files("*pom.xml")]
    found += [(name, "crates.io", locks.cargo_pins(tomllib.loads(text(name)))[0]) for name in files("*Cargo.toml")]
    for name in files("*go.sum"):
        lines = [line.split() for line in text(name).splitlines()]
        found.append((name, "Go", {one[0]: one[1].removeprefix("v") for one in lines if "/go.mod" not in one[1]}))
    return found


def osv(ecosystem: str, pinned: dict[str, str]) -> list[str] | None:
    """Ask OSV about versions; None if it does not answer."""
    queries = [
        {"package": {"ecosystem": ecosystem, "name": name}, "version": version} for name, version in pinned.items()
    ]
    request = urllib.request.Request(
        f"{OSV}/v1/querybatch", json.dumps({"queries": queries}).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            results: list[dict[str, Any]] = json.load(answer)["results"]
        pairs = zip(pinned.items(), results, strict=True)
        return [
            f"{name} {version}: {one['id']}" for (name, version), told in pairs for one in told.get("vulns", ())
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def main(arguments: list[str] | None = None) -> int:
    """Check everything, and say how it ended in one line."""
    parser = argparse.ArgumentParser(prog="python -m tools.audit", description=__doc__)
    parser.add_argument("--offline", action="store_true", help="ask nobody about vulnerabilities, and say so")
    given = parser.parse_args(arguments)
    report = Report()
    repository(report)
    environments(report)
    if not given.offline:
        online(report)
    if report.faults:
        print(f"{report.faults} faults")
        return 1
    if given.offline:
        print("nothing is wrong here; known vulnerabilities were not asked for")
        return 0
    if report.unasked:
        print(f"nothing is wrong here, but {report.unasked} lists of known vulnerabilities could not be read")
        return UNREACHABLE
    print("nothing is wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main())
