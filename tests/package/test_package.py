"""The wheel and the source distribution: what is in them, and that others can use them, whatever else they have."""

from __future__ import annotations

import json
import shutil
import tarfile
import zipfile
from email.parser import Parser
from typing import TYPE_CHECKING

import pytest

from tests.package.conftest import ROOT, build

if TYPE_CHECKING:
    from pathlib import Path

    from tests.package.conftest import Clean

pytestmark = pytest.mark.package

FOREIGN = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "{name}"
version = "1"
[tool.hatch.build.targets.wheel]
packages = ["{package}"]
"""


def test_the_wheel_has_our_package_and_nothing_beside_it(clean: Clean) -> None:
    with zipfile.ZipFile(clean.wheel) as wheel:
        names = set(wheel.namelist())
        metadata = Parser().parsestr(wheel.read("voiceid_optout-0.1.0.dist-info/METADATA").decode())
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"voiceid_optout", "voiceid_optout-0.1.0.dist-info"}
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "voiceid_optout").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if name.startswith("voiceid_optout/")} == ours
    assert "voiceid_optout/py.typed" in names
    assert metadata["Name"] == "voiceid-optout"


def test_the_source_distribution_has_what_the_wheel_is_built_from(clean: Clean, tmp_path: Path) -> None:
    with tarfile.open(clean.sdist) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    assert {path.name for path in folder.iterdir()} == {
        *("voiceid_optout", "pyproject.toml", "PKG-INFO", ".gitignore"),
        *("README.md", "CHANGELOG.md", "LICENSE", "NOTICE"),
    }
    build(folder, tmp_path / "again", "wheel")
    (again,) = (tmp_path / "again").glob("*.whl")
    with zipfile.ZipFile(again) as one, zipfile.ZipFile(clean.wheel) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


def test_ten_lines_of_somebody_else_run_on_the_embedded_engine(clean: Clean, tmp_path: Path) -> None:
    program = tmp_path / "contact centre"
    shutil.copytree(ROOT / "examples" / "library", program)
    lines = (program / "__main__.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines[1:] if line]) <= 10
    done = clean.run("optout", "up", "--stack", "dev", "--yes", "--engine", "embedded", cwd=program)
    assert "Done: 2 opted out." in done
    again = clean.run("voiceid-optout", "up", "--stack", "dev", "--yes", "--engine", "embedded", cwd=program)
    assert "Nothing changed" in again
    state = program / ".optout" / "state" / ".pulumi" / "stacks" / "contact-centre" / "dev.json"
    latest = json.loads(state.read_text(encoding="utf-8"))["checkpoint"]["latest"]
    assert sum(item["type"].endswith("OptedOutSpeaker") for item in latest["resources"]) == 2


def foreign(folder: Path, name: str, files: dict[str, str]) -> Path:
    """Build a wheel of somebody else's and return it."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    package = next(iter(files)).partition("/")[0]
    (folder / "pyproject.toml").write_text(FOREIGN.format(name=name, package=package), encoding="utf-8")
    build(folder, folder / "dist", "wheel")
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def test_others_may_have_packages_called_providers_and_optout(clean: Clean, tmp_path: Path) -> None:
    wheels = [
        foreign(tmp_path / "one", "their-providers", {"providers/__init__.py": "NAME = 'their providers'\n"}),
        foreign(tmp_path / "two", "optout", {"optout/__init__.py": "NAME = 'their optout'\n"}),
    ]
    clean.install(*wheels)
    try:
        script = (
            "import providers, optout, voiceid_optout.providers as ours\n"
            "print(providers.NAME, optout.NAME, ours.OptedOutSpeaker.__name__, sep=', ')"
        )
        said = clean.run("python", "-c", script, cwd=tmp_path).strip()
        assert said == "their providers, their optout, OptedOutSpeaker"
        assert "optout" in clean.run("optout", "--version", cwd=tmp_path)
        clean.pip("uninstall", "--quiet", "--yes", "voiceid-optout", cwd=tmp_path)
        said = clean.run("python", "-c", "import providers, optout; print(optout.NAME)", cwd=tmp_path).strip()
        assert said == "their optout", "taking ours away takes nothing of theirs"
        clean.install(clean.wheel)
    finally:
        clean.pip("uninstall", "--quiet", "--yes", "their-providers", "optout", cwd=tmp_path)
