"""The wheel and the source distribution: what is in them, and that others can use them, whatever else they have."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
import zipfile
from contextlib import contextmanager
from email.parser import Parser
from typing import TYPE_CHECKING

import pytest

from tests.package.conftest import ROOT, build
from tools.release.changelog import version

if TYPE_CHECKING:
    from collections.abc import Iterator
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
        metadata = Parser().parsestr(wheel.read(f"voiceid_optout-{version()}.dist-info/METADATA").decode())
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"voiceid_optout", f"voiceid_optout-{version()}.dist-info"}
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


SERVICE_IS_MISSING = "error: the service needs alembic, prometheus_client, regex, sqlalchemy, starlette, uvicorn,"
REMOTE = """config:
  contact-centre:endpoint: {url}
  contact-centre:region: us-east-1
  contact-centre:domain: UcUuCPFOsAjzg9xoByUatN
  contact-centre:register: people.yaml
  contact-centre:guessableLabels: true
"""


@contextmanager
def serving(clean: Clean, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Run the service with its extra, and give its address and the variables with its keys."""
    arguments = ["--data", "data", "--port", "0", "--domain", "UcUuCPFOsAjzg9xoByUatN", "--stop-with-stdin"]
    with subprocess.Popen(
        clean.words("optout", "serve", *arguments),
        cwd=folder,
        env=clean.environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            found = re.match(r"Ready at (\S+) ", process.stdout.readline())
            assert found
            yield found[1], {"AWS_SHARED_CREDENTIALS_FILE": str(folder / "data" / "credentials")}
        finally:
            process.communicate()


def test_people_are_opted_out_at_a_remote_endpoint_without_the_extra_service(
    clean: Clean, bare: Clean, tmp_path: Path
) -> None:
    bare.run("python", "-c", "import sqlalchemy", cwd=tmp_path, code=1)
    program = tmp_path / "contact centre"
    shutil.copytree(ROOT / "examples" / "library", program)
    with serving(clean, tmp_path) as (url, keys):
        (program / "Pulumi.far.yaml").write_text(REMOTE.format(url=url), encoding="utf-8")
        variables = {**keys, "PULUMI_CONFIG_PASSPHRASE": "rehearsal"}

        def said(*command: str) -> str:
            return bare.run("optout", *command, "--stack", "far", cwd=program, variables=variables)

        said("validate")
        assert "2 to opt out" in said("preview", "--engine", "embedded")
        assert "Done: 2 opted out." in said("up", "--yes", "--engine", "embedded")
        assert "No drift" in said("drift", "--engine", "embedded")
        assert "ok    endpoint" in said("doctor")


def test_who_needs_the_extra_service_is_told_how_to_get_it(bare: Clean, tmp_path: Path) -> None:
    program = tmp_path / "contact centre"
    shutil.copytree(ROOT / "examples" / "library", program)
    for command in (
        ["serve"],
        ["serve", "keys", "list"],
        ["up", "--stack", "dev", "--yes", "--engine", "embedded"],
    ):
        said = bare.run("optout", *command, cwd=program, code=2)
        assert said.startswith(SERVICE_IS_MISSING)
        assert said.endswith("run: pip install 'voiceid-optout[service]'\n")
        assert said.count("\n") == 1
    done = subprocess.run(
        bare.words("optout", "doctor", "--stack", "dev"),
        cwd=program,
        env=bare.environment(program),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert "FAIL  service" in done.stdout
    assert "run: pip install 'voiceid-optout[service]'" in done.stdout
    assert "usage" in bare.run("optout", "serve", "--help", cwd=program).lower()


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
