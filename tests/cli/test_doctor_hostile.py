"""Files that somebody made to be run, shown or never read to an end: ``optout doctor`` names them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.projects import NAME, Project
from tests.engine import hostile
from tests.test_files import BOMB
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.state.backend import Backend
from voiceid_optout.state.journal import fingerprint
from voiceid_optout.state.trust import OURS

if TYPE_CHECKING:
    from pathlib import Path


LABEL = "sp-0123456789abcdef"
ID = "caller-of-a-test"
SEALED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:a:b"}


def resource(provider: str, speaker_id: Any) -> dict[str, Any]:
    type_ = "pulumi-python:dynamic/voiceid:OptedOutSpeaker"
    inputs = {"__provider": provider, "domain_id": "d", "speaker_id": speaker_id}
    urn = f"urn:pulumi:test::{NAME}::{type_}::{LABEL}"
    return {"urn": urn, "custom": True, "id": "i", "type": type_, "inputs": inputs}


def write_state(project: Project, provider: str = min(OURS), speaker_id: Any = SEALED) -> Backend:
    backend = Backend(project.state_folder, NAME, "test")
    latest = {"resources": [resource(provider, speaker_id)]}
    backend.write(json.dumps({"version": 3, "checkpoint": {"latest": latest}}).encode())
    return backend


def failed(project: Project, *arguments: str) -> str:
    """Run it; returns what it says is wrong, which must be printable."""
    result = project.run("doctor", *arguments)
    assert result.exit_code in (ExitCode.FAILED, ExitCode.USAGE)
    assert all(line.isprintable() for line in result.output.splitlines())
    assert ID not in result.output
    wrong = [line for line in result.output.splitlines() if line.startswith(("FAIL", "error", "Error"))]
    return "\n".join(line for line in wrong if not line.startswith("FAIL  endpoint"))


def test_a_state_that_names_code(live: Project, tmp_path: Path) -> None:
    write_state(live, hostile.code(tmp_path / "trap"))
    words = failed(live)
    assert words.startswith("FAIL  state         the state names a provider that is not ours, for urn:")
    assert LABEL in words
    assert not (tmp_path / "trap").exists()


def test_a_journal_that_names_code(live: Project, tmp_path: Path) -> None:
    backend = write_state(live)
    entry = {"kind": "put", "resource": resource(hostile.code(tmp_path / "trap"), SEALED)}
    lines = [{"base": fingerprint(backend.read())}, entry]
    backend.journal_file.parent.mkdir(parents=True)
    backend.journal_file.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + '{"ki', encoding="utf-8")
    assert "the journal of a killed run names a provider that is not ours" in failed(live)


def test_a_state_with_identifiers_in_clear(live: Project) -> None:
    write_state(live, speaker_id=ID)
    assert "holds identifiers in clear: `optout refresh --engine embedded` seals them" in failed(live)


def test_a_state_that_is_nested_beyond_reason(live: Project) -> None:
    backend = write_state(live)
    backend.state_file.write_bytes(b"[" * 100_000)
    assert "is not a Pulumi state file" in failed(live)


def test_a_backend_of_the_old_layout(live: Project) -> None:
    folder = live.state_folder / ".pulumi" / "stacks"
    folder.mkdir(parents=True)
    (folder / "test.json").write_text("{}", encoding="utf-8")
    assert "run `pulumi state upgrade`" in failed(live)
    assert not (live.state_folder / ".pulumi" / "meta.yaml").exists()


def test_a_backend_of_a_version_to_come(live: Project) -> None:
    (live.state_folder / ".pulumi").mkdir(parents=True)
    (live.state_folder / ".pulumi" / "meta.yaml").write_text("version: 7\n", encoding="utf-8")
    assert "is of version 7; this program knows version 1" in failed(live)


@pytest.mark.parametrize("name", ["..", "a/../../b", "a\n::add-mask::x", "x" * 101])
def test_a_stack_whose_name_leads_elsewhere(live: Project, name: str) -> None:
    assert "a stack's name has letters, digits" in failed(live, "--stack", name)


@pytest.mark.parametrize("name", ["..", "../x", "a\u202eb", "a\n::add-mask::x"])
def test_a_project_whose_name_leads_elsewhere(live: Project, name: str) -> None:
    (live.root / "Pulumi.yaml").write_text(f"name: {json.dumps(name)}\nruntime: python\n", encoding="utf-8")
    assert "is no project's name: " in failed(live)


@pytest.mark.parametrize("text", ["[" * 20_000, f"config:\n  voiceid-optout:register: &a [x]\n{BOMB}"])
@pytest.mark.parametrize("name", ["Pulumi.yaml", "Pulumi.test.yaml"])
def test_a_file_that_grows_beyond_a_bound(live: Project, name: str, text: str) -> None:
    (live.root / name).write_text(text, encoding="utf-8")
    words = failed(live)
    assert f"{name}:" in words
    assert "nested more than" in words or "what aliases stand for" in words


def test_a_lock_of_somebody_who_writes_to_the_terminal(live: Project) -> None:
    backend = write_state(live)
    backend.lock_folder.mkdir(parents=True)
    evil = "x\x1b[2J\n::add-mask::y"
    content = {"pid": 1, "username": evil, "hostname": evil, "timestamp": evil}
    (backend.lock_folder / "a.json").write_text(json.dumps(content), encoding="utf-8")
    words = failed(live)
    assert "locked by x[2J ::add-mask::y@x[2J ::add-mask::y (pid 1) since x[2J ::add-mask::y" in words


def test_an_alias_that_is_a_command_of_a_workflow(live: Project) -> None:
    live.configure(domain="a\n::add-mask::x", domains={"::add-mask::x\x1b[2J": "UcUuCPFOsAjzg9xoByUatN"})
    live.people("caller-1", domain="nowhere")
    assert "FAIL  register" in failed(live)
