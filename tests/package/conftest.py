"""A clean environment: a virtual environment of its own, with the locked dependencies and nothing of ours."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Clean:
    """An environment, and the wheel and the source distribution of this checkout."""

    python: Path
    wheel: Path
    sdist: Path

    def run(self, *command: object, cwd: Path, code: int = 0, variables: Mapping[str, str] | None = None) -> str:
        """Run a command of the environment and return what it said on standard output."""
        program, *arguments = map(str, command)
        done = subprocess.run(
            [str(self.python.parent / program), *arguments],
            cwd=cwd,
            env={
                "PATH": f"{self.python.parent}:/usr/bin:/bin",
                "HOME": str(cwd),
                "LANG": "C.UTF-8",
                **(variables or {}),
            },
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

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
        purelib = made.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder)
        (Path(purelib.strip()) / "dependencies.pth").write_text(f"{packages}\n", encoding="utf-8")
    else:
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTP"))}
        command = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes"]
        made.run("python", *command, "-r", ROOT / "requirements.txt", cwd=folder, variables=kept)
    made.run("python", "-c", "import voiceid_optout.label", cwd=folder, code=1)
    made.run("python", "-c", "import providers", cwd=folder, code=1)
    made.install(wheel)
    return made
