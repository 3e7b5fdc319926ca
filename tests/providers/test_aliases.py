"""`providers`, the second name: the same classes, nothing of its own, and in nobody's way."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import providers
import providers.opted_out_speaker
import providers.opted_out_speakers
import voiceid_optout.providers
from tests.providers.process import ROOT
from voiceid_optout.providers.opted_out_speaker import OptedOutSpeakerProvider
from voiceid_optout.providers.opted_out_speakers import OptedOutSpeakersProvider

FOLDER = ROOT / "providers"


def test_both_names_have_the_same_classes() -> None:
    assert providers.OptedOutSpeaker is voiceid_optout.providers.OptedOutSpeaker
    assert providers.OptedOutSpeakers is voiceid_optout.providers.OptedOutSpeakers
    assert providers.GuardrailSettings is voiceid_optout.providers.GuardrailSettings
    assert providers.opted_out_speaker.OptedOutSpeakerProvider is OptedOutSpeakerProvider
    assert providers.opted_out_speakers.OptedOutSpeakersProvider is OptedOutSpeakersProvider


def test_a_name_that_is_not_there_is_said_so() -> None:
    with pytest.raises(ImportError, match="OptedInSpeaker"):
        exec("from providers import OptedInSpeaker")
    with pytest.raises(AttributeError, match=r"'voiceid_optout\.providers' has no attribute 'OptedInSpeaker'"):
        _ = voiceid_optout.providers.OptedInSpeaker


def test_the_wheel_has_every_file_of_it_apart_from_everybody_elses() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        wheel = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]["wheel"]
    (line,) = (FOLDER / "voiceid_optout.pth").read_text(encoding="utf-8").splitlines()
    names = {path.name for path in FOLDER.iterdir() if path.suffix != ".pth" and path.is_file()}
    assert len(names) >= 4
    assert wheel["force-include"] == {
        **{f"providers/{name}": f"{line}/providers/{name}" for name in names},
        "providers/voiceid_optout.pth": "voiceid_optout.pth",
    }
    assert wheel["packages"] == ["voiceid_optout"]


def run(folder: Path, script: str) -> str:
    """Run a script in a folder, which is first on the path, as a program's folder is."""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_package_of_the_programs_own_wins(tmp_path: Path) -> None:
    (tmp_path / "providers").mkdir()
    (tmp_path / "providers" / "__init__.py").write_text("NAME = 'theirs'\n")
    script = (
        "import providers; print(providers.NAME)\n"
        "from voiceid_optout.providers.resource import provider_reference as made\n"
        "import base64, pickle; print(type(pickle.loads(base64.b64decode(made()))).__module__)\n"
    )
    assert run(tmp_path, script).split() == ["theirs", "voiceid_optout.providers.opted_out_speaker"]


def test_a_folder_of_the_programs_own_keeps_its_modules(tmp_path: Path) -> None:
    (tmp_path / "providers").mkdir()
    (tmp_path / "providers" / "guardrails.py").write_text("NAME = 'theirs'\n")
    script = (
        "from providers.guardrails import NAME; print(NAME)\n"
        "from providers import OptedOutSpeaker; print(OptedOutSpeaker.__module__)\n"
        "from providers.opted_out_speaker import OptedOutSpeakerProvider\n"
    )
    assert run(tmp_path, script).split() == ["theirs", "voiceid_optout.providers.resource"]
