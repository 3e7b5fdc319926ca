"""A clean environment: a virtual environment of its own, with the locked dependencies and nothing of ours."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Clean:
    """An environment, and the wheel and the source distribution of this checkout."""

    python: Path
    wheel: Path
    sdist: Path

    def run(self, *command: object, cwd: Path, code: int = 0, variables: Mapping[str, str] | None = None) -> str:
        """Run a command of the environment and return what it said: on standard error, if it is to fail."""
        done = subprocess.run(
            self.words(*command),
            cwd=cwd,
            env=self.environment(cwd, variables),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr if code else done.stdout

    def words(self, program: object, *arguments: object) -> list[str]:
        """Return a command of the environment."""
        return [str(self.python.parent / str(program)), *map(str, arguments)]

    def environment(self, home: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables that a command sees, none of which are ours."""
        path = f"{self.python.parent}:/usr/bin:/bin"
        return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", **(variables or {})}

    @property
    def packages(self) -> Path:
        """The folder into which packages are installed."""
        (found,) = self.python.parents[1].glob("lib/python3*/site-packages")
        return found

    def pip(self, *arguments: object, cwd: Path) -> str:
        """Run pip, which asks no index and builds nothing."""
        return self.run("python", "-m", "pip", "--disable-pip-version-check", *arguments, cwd=cwd)

    def install(self, *wheels: Path) -> None:
        """Install wheels as they are."""
        self.pip("install", "--quiet", "--no-index", "--no-deps", *wheels, cwd=wheels[0].parent)


def build(source: Path, target: Path, *kinds: str) -> None:
    """Build distributions with the backend that the locked tools have."""
    words = [word for kind in kinds for word in ("-t", kind)]
    command = [sys.executable, "-m", "hatchling", "build", *words, "-d", str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    """Give the environment with our wheel in it.

    The dependencies are installed from the lock, or, where OPTOUT_PACKAGE_DEPENDENCIES names the folder of an
    environment's packages, read from there: what is installed there by a path file, as we are, is not seen.
    """
    folder = tmp_path_factory.mktemp("clean")
    build(ROOT, folder / "dist", "sdist", "wheel")
    (wheel,), (sdist,) = (list((folder / "dist").glob(pattern)) for pattern in ("*.whl", "*.tar.gz"))
    venv.create(folder / "venv", with_pip=True)
    made = Clean(folder / "venv" / "bin" / "python", wheel, sdist)
    if packages := os.environ.get("OPTOUT_PACKAGE_DEPENDENCIES"):
        (made.packages / "dependencies.pth").write_text(f"{packages}\n", encoding="utf-8")
    else:
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTP"))}
        command = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes"]
        made.run("python", *command, "-r", ROOT / "requirements.txt", cwd=folder, variables=kept)
    made.run("python", "-c", "import voiceid_optout.speakers", cwd=folder, code=1)
    made.run("python", "-c", "import providers", cwd=folder, code=1)
    made.install(wheel)
    return made


def required(requirements: Iterable[str], known: Mapping[str, Distribution]) -> dict[str, Distribution]:
    """Return what an installer installs for requirements: they, with their extras, and what they require."""
    found: dict[str, Distribution] = {}
    waiting = [(text, "") for text in requirements]
    seen = set()
    while waiting:
        text, extra = waiting.pop()
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        found[name] = known[name]
        for wanted in {"", *requirement.extras}:
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(text, wanted) for text in known[name].requires or ()]
    return found


@pytest.fixture(scope="session")
def bare(clean: Clean, tmp_path_factory: pytest.TempPathFactory) -> Clean:
    """Give an environment that has what `pip install voiceid-optout` installs, and no extra.

    It is made of links to the packages of the clean environment: those that our metadata requires.
    """
    folder = tmp_path_factory.mktemp("bare")
    places = [str(clean.packages), *filter(None, [os.environ.get("OPTOUT_PACKAGE_DEPENDENCIES")])]
    known = {str(canonicalize_name(found.name)): found for found in reversed([*distributions(path=places)])}
    ours = Distribution.at(next(clean.packages.glob("voiceid_optout-*.dist-info")))
    venv.create(folder / "venv", with_pip=False)
    made = Clean(folder / "venv" / "bin" / "python", clean.wheel, clean.sdist)
    for distribution in required(ours.requires or (), known).values():
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            if not (link := made.packages / top).is_symlink():
                link.symlink_to(str(distribution.locate_file(top)))
    clean.pip("--python", made.python, "install", "--quiet", "--no-index", "--no-deps", clean.wheel, cwd=folder)
    return made
