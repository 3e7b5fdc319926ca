from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.bench import REPOSITORY, SEALED, THING, unmeasured, urn
from voiceid_optout.state import PassphraseError, StateError
from voiceid_optout.state.checkpoint import Checkpoint, PendingOperation
from voiceid_optout.state.journal import EntryKind, Journal, JournalEntry, JournalFile, fingerprint, recover
from voiceid_optout.state.resource import ResourceState
from voiceid_optout.state.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voiceid_optout.state.passphrase import Crypter

K = EntryKind
CHECKPOINT = b"the state before"


def thing(name: str, id_: str = "i", **keys: Any) -> ResourceState:
    return ResourceState(urn=urn(name), custom=True, type=THING, id=id_, **keys)


BASE = Checkpoint((thing("a"), thing("b")))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journals" / "sample" / "dev.jsonl"


@pytest.fixture
def file(path: Path, crypter: Crypter) -> Iterator[JournalFile]:
    made = JournalFile(path, crypter, fingerprint(CHECKPOINT))
    yield made
    path.parent.mkdir(parents=True, exist_ok=True)
    made.close()


def replayed(path: Path, checkpoint: bytes | None = CHECKPOINT) -> Checkpoint | None:
    return recover(path, BASE, fingerprint(checkpoint), SEALED.decrypt)


def fails(*_: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def killed(file: JournalFile, *entries: JournalEntry) -> Journal:
    """Write entries as a run does that never comes to its end."""
    journal = Journal(BASE, file.append)
    for entry in entries:
        journal.record(entry.kind, entry.resource, entry.pending, entry.renamed)
    return journal


class TestWriting:
    def test_nothing_before_the_first_entry(self, file: JournalFile, path: Path) -> None:
        assert not path.exists()
        file.close()

    def test_lines(self, file: JournalFile, path: Path) -> None:
        killed(file, JournalEntry(K.BEGIN, thing("c", ""), "creating"), JournalEntry(K.PUT, thing("c")))
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        bare = {"urn": urn("c"), "custom": True}
        assert lines == [
            {"base": fingerprint(CHECKPOINT)},
            {"kind": "begin", "pending": "creating", "resource": {**bare, "type": THING}},
            {"kind": "put", "resource": {**bare, "id": "i", "type": THING}},
        ]
        assert path.stat().st_mode & 0o777 == 0o600
        file.close()

    def test_secrets_are_sealed(self, file: JournalFile, path: Path) -> None:
        state = thing("c", inputs={"val": Secret("hush")})
        journal = killed(file, JournalEntry(K.PUT, state))
        assert b"hush" not in path.read_bytes()
        assert replayed(path) == journal.checkpoint()
        file.close()

    def test_the_end_removes_it(self, file: JournalFile, path: Path) -> None:
        killed(file, JournalEntry(K.PUT, thing("c")))
        file.close()
        assert not path.exists()
        file.close()

    def test_an_end_that_cannot_remove_it_leaves_it_to_nobody(
        self, file: JournalFile, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        killed(file, JournalEntry(K.PUT, thing("c")))
        with monkeypatch.context() as broken:
            broken.setattr(os, "unlink", fails)
            file.close()
        assert path.exists()
        assert replayed(path, b"the state that has it") is None

    def test_one_of_an_earlier_run_is_replaced(self, file: JournalFile, path: Path) -> None:
        path.parent.mkdir(parents=True)
        path.write_text("of old\n" * 10)
        killed(file, JournalEntry(K.PUT, thing("c")))
        assert "of old" not in path.read_text()
        file.close()

    def test_a_step_costs_the_same_whatever_came_before(self, file: JournalFile, path: Path) -> None:
        sizes = [0]
        for number in range(300):
            killed(file, JournalEntry(K.PUT, thing(f"n{number:03}", inputs={"val": "x" * 50})))
            sizes.append(path.stat().st_size)
        steps = [after - before for before, after in pairwise(sizes[1:])]
        assert set(steps) == {steps[0]}
        assert steps[0] < 400
        file.close()

    def test_what_is_on_disk_is_not_synced_again(self, file: JournalFile, monkeypatch: pytest.MonkeyPatch) -> None:
        synced: list[int] = []
        monkeypatch.setattr(os, "fsync", synced.append)
        file.sync()
        assert synced == []
        killed(file, JournalEntry(K.PUT, thing("c")))
        del synced[:]  # of the folders
        file.sync()
        file.sync()
        assert len(synced) == 1
        file.append(JournalEntry(K.PUT, thing("d")))
        file.sync()
        assert len(synced) == 2

    def test_a_disk_that_fails(self, file: JournalFile, monkeypatch: pytest.MonkeyPatch) -> None:
        killed(file, JournalEntry(K.PUT, thing("c")))
        monkeypatch.setattr(os, "fsync", fails)
        for _ in range(2):
            with pytest.raises(StateError, match=r"cannot write the journal .*dev.jsonl: Input/output error"):
                file.sync()

    def test_no_place_for_it(self, file: JournalFile, path: Path) -> None:
        path.parent.parent.write_bytes(b"")
        with pytest.raises(StateError, match=r"cannot write the journal .*dev.jsonl: Not a directory"):
            killed(file, JournalEntry(K.PUT, thing("c")))
        path.parent.parent.unlink()
        file.close()


FULL_DISK = """
import os, resource, signal, sys
from pathlib import Path
from voiceid_optout.state.journal import JournalFile
from voiceid_optout.state.journal import EntryKind, Journal
from voiceid_optout.state.passphrase import Crypter
from voiceid_optout.state.resource import ResourceState
from voiceid_optout.state.checkpoint import Checkpoint
from voiceid_optout.state import StateError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, unlimited[1]))
file = JournalFile(Path(sys.argv[1]), Crypter("", bytes(32)), "no state")
journal = Journal(Checkpoint(), file.append)
for number in range(100):
    try:
        urn = f"urn:pulumi:d::p::t::{number}"
        journal.record(EntryKind.PUT, ResourceState(urn=urn, custom=True, type="t", id="i"))
    except StateError as error:
        print(error)
        break
print(len(journal.checkpoint().resources))
if sys.argv[2] == "close":
    file.close()
sys.stdout.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)  # what measures coverage writes at the end
if sys.argv[2] == "killed":
    os._exit(0)
"""


@pytest.mark.parametrize("end", ["close", "killed"])
def test_a_full_disk(path: Path, crypter: Crypter, end: str) -> None:
    environment = {**unmeasured(), "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", FULL_DISK, str(path), end]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    message, recorded = done.stdout.splitlines()
    assert message == f"cannot write the journal {path}: File too large"
    assert done.stderr == ""
    if end == "close":
        assert not path.exists()
    else:
        found = recover(path, Checkpoint(), fingerprint(None), crypter.decrypt)
        assert found is not None
        assert len(found.resources) == int(recorded) - 1 > 5  # the last one was not written


def test_what_is_written_after_the_disk_was_full_is_recovered_too(
    file: JournalFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room may come back. Half a line that stayed in between would hide every line after it."""
    killed(file, JournalEntry(K.PUT, thing("c")))
    write = os.write

    def half(handle: int, data: bytes) -> int:
        if len(data) > 1:
            return write(handle, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "write", half)
        with pytest.raises(StateError, match="No space left on device"):
            file.append(JournalEntry(K.PUT, thing("d")))
    file.append(JournalEntry(K.PUT, thing("e")))
    assert path.read_bytes().count(b"\n") == 3
    found = replayed(path)
    assert found is not None
    assert {item.urn for item in found.resources} == {urn(name) for name in "abce"}


def test_a_disk_that_was_full_at_the_first_line(
    file: JournalFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(os, "write", fails)
        with pytest.raises(StateError, match="Input/output error"):
            file.append(JournalEntry(K.PUT, thing("c")))
    file.append(JournalEntry(K.PUT, thing("d")))
    found = replayed(path)
    assert found is not None
    assert {item.urn for item in found.resources} == {urn(name) for name in "abd"}


class TestRecovery:
    def test_nothing_to_recover(self, path: Path) -> None:
        assert replayed(path) is None

    def test_only_a_head(self, path: Path) -> None:
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"base": fingerprint(CHECKPOINT)}) + "\n")
        assert replayed(path) is None

    def test_what_was_under_way(self, file: JournalFile, path: Path) -> None:
        killed(file, JournalEntry(K.PUT, thing("c")), JournalEntry(K.BEGIN, thing("d", ""), "creating"))
        found = replayed(path)
        assert found == Checkpoint((thing("c"), *BASE.resources), (PendingOperation(thing("d", ""), "creating"),))

    @pytest.mark.parametrize("checkpoint", [None, b"", b"another state"])
    def test_of_another_state(self, file: JournalFile, path: Path, checkpoint: bytes | None) -> None:
        killed(file, JournalEntry(K.PUT, thing("c")))
        assert replayed(path, checkpoint) is None

    @pytest.mark.parametrize("checkpoint", [None, b""])
    def test_no_state_and_an_empty_one_are_told_apart(
        self, path: Path, crypter: Crypter, checkpoint: bytes | None
    ) -> None:
        file = JournalFile(path, crypter, fingerprint(checkpoint))
        killed(file, JournalEntry(K.PUT, thing("c")))
        assert (replayed(path, None) is None) is (checkpoint is not None)
        assert (replayed(path, b"") is None) is (checkpoint is None)
        file.close()

    def test_cut_anywhere(self, file: JournalFile, path: Path) -> None:
        entries = [
            JournalEntry(K.PUT, thing("é")),
            JournalEntry(K.REMOVE, thing("a")),
            JournalEntry(K.BEGIN, thing("b"), "updating"),
        ]
        states: list[Checkpoint | None] = [None]
        journal = Journal(BASE)
        for entry in entries:
            journal.apply(entry)
            states.append(journal.checkpoint())
        killed(file, *entries)
        whole = path.read_bytes()
        for cut in range(len(whole)):
            path.write_bytes(whole[:cut])
            lines = whole[: cut + 1].count(b"\n") if whole[cut : cut + 1] == b"\n" else whole[:cut].count(b"\n")
            assert replayed(path) == states[max(lines - 1, 0)], cut

    @pytest.mark.parametrize(
        "line",
        [
            *("[]", "3", "{}", '{"kind":"put"}', '{"kind":"put","resource":3}'),
            f'{{"kind":"zzz","resource":{{"urn":"{urn("c")}"}}}}',
            f'{{"kind":"put","resource":{{"urn":"{urn("c")}","id":[]}}}}',
            f'{{"kind":"put","resource":{{"urn":"{urn("c")}"}},"renamed":{{}}}}',
            f'{{"kind":"begin","resource":{{"urn":"{urn("c")}"}},"pending":[]}}',
        ],
    )
    def test_a_damaged_line(self, file: JournalFile, path: Path, line: str) -> None:
        killed(file, JournalEntry(K.PUT, thing("c")))
        with path.open("a") as stream:
            stream.write(f"{line}\n")
        with pytest.raises(StateError) as raised:
            replayed(path)
        assert str(raised.value) == (
            f"line 3 of the journal {path} is damaged. It holds what a killed run had done; "
            "move the file away to go on without it"
        )

    @pytest.mark.parametrize("head", ["[]", "3", "{}"])
    def test_a_damaged_head(self, path: Path, head: str) -> None:
        path.parent.mkdir(parents=True)
        path.write_text(f"{head}\n")
        with pytest.raises(StateError, match="line 1 of the journal"):
            replayed(path)

    def test_sealed_with_another_key(self, path: Path, other_crypter: Crypter) -> None:
        file = JournalFile(path, other_crypter, fingerprint(CHECKPOINT))
        killed(file, JournalEntry(K.PUT, thing("c", inputs={"val": Secret("hush")})))
        with pytest.raises(PassphraseError):
            replayed(path)
        file.close()

    def test_unreadable(self, path: Path) -> None:
        path.mkdir(parents=True)
        with pytest.raises(StateError, match=r"cannot read the journal .*: Is a directory"):
            replayed(path)


NAMES = st.sampled_from(["a", "b", "c", "d"])
RESOURCES = st.builds(
    lambda name, id_, uses, value: thing(
        name, id_, dependencies=tuple(urn(use) for use in uses if use != name), inputs={"val": value}
    ),
    NAMES,
    st.sampled_from(["1", "2", "3"]),
    st.sets(NAMES, max_size=2),
    st.text(max_size=3) | st.text(max_size=3).map(Secret) | st.integers(-9, 9),
)
BEGUN = st.builds(JournalEntry, st.just(K.BEGIN), RESOURCES, st.sampled_from(["creating", "updating", "deleting"]))
ENDED = st.builds(JournalEntry, st.sampled_from([K.PUT, K.REPLACED, K.REMOVE, K.FAILED]), RESOURCES)
RENAMED = st.builds(
    JournalEntry, st.just(K.RENAMED), RESOURCES, st.just(""), NAMES.map(lambda name: urn(f"new-{name}"))
)


@given(st.lists(BEGUN | ENDED | RENAMED, min_size=1, max_size=12))
@settings(
    max_examples=3 * settings().max_examples // 5,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
def test_a_replay_gives_what_the_run_had(tmp_path: Path, steps: list[JournalEntry]) -> None:
    path = tmp_path / "journal.jsonl"
    file = JournalFile(path, SEALED, fingerprint(CHECKPOINT))
    journal = killed(file, *steps)
    assert replayed(path) == journal.checkpoint()
    file.close()
