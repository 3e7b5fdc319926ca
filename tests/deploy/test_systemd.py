"""The systemd unit: systemd finds nothing wrong with it, it is closed in, and its options are the command's."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from voiceid_optout.cli.serve import command

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "voiceid-optout.service"
TEMPLATE = UNIT.with_name("voiceid-optout@.service")
PROGRAM = "/opt/voiceid-optout/bin/optout"
MOST_EXPOSURE = 20  # of 100; systemd calls up to 20 OK


def values(name: str) -> list[str]:
    text = UNIT.read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


def test_it_starts_the_command_with_options_that_there_are(tmp_path: Path) -> None:
    (line,) = values("ExecStart")
    program, subcommand, *arguments = shlex.split(line)
    assert (program, subcommand) == (PROGRAM, "serve")
    assert arguments.pop() == "$OPTOUT_SERVE_OPTIONS"
    places = {"${STATE_DIRECTORY}": tmp_path, "${CREDENTIALS_DIRECTORY}": tmp_path}
    for variable, folder in places.items():
        arguments = [argument.replace(variable, str(folder)) for argument in arguments]
    chosen = command.make_context("serve", arguments).params
    assert not chosen["first_key"]
    assert not chosen["test_hooks"]
    assert not chosen["insecure_plain_http"]
    assert chosen["tls_key"].name in {name.partition(":")[0] for name in values("LoadCredential")}
    assert chosen["tls_certificate"].name in {name.partition(":")[0] for name in values("LoadCredential")}


def test_its_data_are_private_and_it_is_no_root() -> None:
    assert values("DynamicUser") == ["yes"]
    assert values("StateDirectoryMode") == ["0700"]
    assert values("UMask") == ["0077"]
    assert values("CapabilityBoundingSet") == [""]


@pytest.fixture(params=[UNIT, TEMPLATE], ids=["unit", "template"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit with a program that this machine has, since systemd looks for it."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    source: Path = request.param
    path = tmp_path / source.name
    program = shutil.which("true")
    assert program
    path.write_text(source.read_text(encoding="utf-8").replace(PROGRAM, program), encoding="utf-8")
    return path


def analyze(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


def test_systemd_finds_nothing_wrong(unit: Path) -> None:
    result = analyze("verify", "--man=no", unit)
    assert (result.returncode, result.stderr) == (0, "")


def test_systemd_finds_it_closed_in(unit: Path) -> None:
    result = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", "--no-pager", unit)
    assert result.returncode == 0, result.stdout
