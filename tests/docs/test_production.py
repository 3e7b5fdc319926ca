"""`docs/production.md`, typed from top to bottom in an empty folder, with a PostgreSQL server and TLS for real."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.docs import elsewhere, worlds
from tests.docs.pages import commands, missing
from tests.docs.session import Session
from tests.e2e.commands import Shell
from tests.service.conftest import postgres  # noqa: F401 - found by name

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.cluster import Cluster

PAGE = "docs/production.md"
READERS = "postgresql://voiceid@db.example.org/voiceid"  # in its place comes the database of the test


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl for a certificate")
def test_from_nothing_to_the_first_night(tmp_path: Path, postgres: Cluster) -> None:  # noqa: F811 - the fixture
    binaries = worlds.binaries(tmp_path / "elsewhere")
    people = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _ANN.items()}
    variables = {
        "PATH": f"{binaries}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "HOME": str(tmp_path),
        "OPTOUT_ENGINE": "embedded",
        **people,
    }
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "id.txt").write_text("caller-000017\n")
    database, wrong, typed = postgres.new_database(), [], 0
    with Session(Shell(folder, variables)) as session:
        for command in commands(PAGE):
            if elsewhere.reason(command) is not None:
                continue
            typed += 1
            code, said = session.type(command.text.replace(READERS, database))
            if code:
                wrong.append(f"{command}\n  ended with {code}\n{said}")
            elif (line := missing(command.shown, said)) is not None:
                wrong.append(f"{command}\n  did not say: {line}\n{said}")
    assert not wrong, "\n".join(wrong)
    assert typed > 20


_ANN = {"NAME": "ann", "EMAIL": "ann@example.org"}
