"""The versions of a register, walked by differences, against each version read in full by the register's parser."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.evidence.repositories import DOMAIN, OTHER_DOMAIN
from voiceid_optout.evidence.versions import Walk, shown_path
from voiceid_optout.register import RegisterInvalid, load
from voiceid_optout.speakers import Ensure

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs Git")
DOMAINS = {"main": DOMAIN, "other": OTHER_DOMAIN}
Everybody = dict[tuple[str, str], tuple[Ensure, str]]

PERSON = st.sampled_from([f"caller-{number}" for number in range(6)])
ENTRY = st.one_of(
    PERSON.map(lambda one: f"  - {one}"),
    PERSON.map(lambda one: f"  - id: {one}\n    ticket: PRIV-1"),
    PERSON.map(lambda one: f"  - id: {one}\n    reason: |\n      in many\n      lines"),
)
RELEASED = PERSON.map(lambda one: f"  - id: {one}\n    reason: asked for it")


@st.composite
def file(draw: st.DrawFn) -> str:
    """Return a register file of any style; now and then one with a fault."""
    head = draw(
        st.sampled_from(["", "domain: main\n", "domain: other\n", "domain: unknown\n", "---\n", "# people\n"])
    )
    people = draw(st.lists(ENTRY, max_size=4))
    match draw(st.integers(0, 5)):
        case 0:
            return f"{head}speakers: [{', '.join(draw(st.lists(PERSON, max_size=3)))}]\n"
        case 1:
            return "speakers: 7\n"
    text = f"{head}speakers:{'' if people else ' []'}\n" + "".join(f"{one}\n" for one in people)
    if released := draw(st.lists(RELEASED, max_size=2)):
        text += "released:\n" + "".join(f"{one}\n" for one in released)
    return text


NAMES = ("config/a.yaml", "config/b.yml", "config/deeper/c.yaml", "config/.d.yaml")
# Each commit writes, deletes and renames files.
COMMITS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(NAMES), st.none() | file(), max_size=2),
        st.none() | st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)),
    ),
    min_size=1,
    max_size=7,
)


def git(root: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "gc.auto=0", "-c", "core.fsync=none"]
    return subprocess.run(
        ["git", *who, *words], cwd=root, capture_output=True, text=True, check=True
    ).stdout.strip()


def present(root: Path) -> Everybody | None:
    """Return everybody whom the register's own loader finds; None if it has a fault."""
    for deeper in (root / "config").glob("*/*.yaml"):
        deeper.unlink()  # a fault of the folder, not of what its versions say
    try:
        entries = load(root / "config", domains=DOMAINS, default_domain=DOMAIN).entries
    except RegisterInvalid:
        return None
    return {
        (one.domain_id, one.speaker_id): (one.ensure, f"{one.location.file}:{one.location.line}") for one in entries
    }


@settings(max_examples=settings().max_examples // 4, suppress_health_check=list(HealthCheck))
@given(COMMITS)
def test_every_version_says_what_the_parser_says_of_it(
    commits: list[tuple[dict[str, str | None], tuple[str, str] | None]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        git(root, "init", "-q")
        (root / "config").mkdir()
        wanted: dict[str, Everybody] = {}
        for files, rename in commits:
            for name, text in files.items():
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).unlink(missing_ok=True)
                if text is not None:
                    (root / name).write_text(text)
            if rename is not None and (root / rename[0]).exists():
                (root / rename[1]).parent.mkdir(exist_ok=True)
                (root / rename[0]).replace(root / rename[1])
            git(root, "add", "-A")
            git(root, "commit", "-q", "--allow-empty", "-m", "change")
            if (people := present(root)) is not None:
                wanted[git(root, "rev-parse", "HEAD")] = people
            git(root, "reset", "-q", "--hard")
        walk = Walk.of(root, root / "config", DOMAINS, DOMAIN, os.environ, lambda _: None)
        found: dict[str, Everybody] = {}
        for version in walk.versions():
            everybody: Everybody = {}
            for person in {*walk.people, *version.after} - (version.before.keys() - version.after.keys()):
                held = version.after.get(person) or walk.people[person]
                line = version.next_files[held.path].line(person[1])
                everybody[person] = (held.said.ensure, f"{shown_path(held.path)}:{line}")
            found[version.commit.hash] = everybody
        assert found == {commit: people for commit, people in wanted.items() if commit in found}
        last: Everybody | None = None
        for commit, people in wanted.items():
            assert commit in found or people == last  # nothing of the register has changed in it
            last = people
