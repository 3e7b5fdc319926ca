from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.bench import REPOSITORY, unmeasured
from voiceid_optout.state import OutOfScopeError, StateError
from voiceid_optout.state.backend import Backend, history_record, stacks
from voiceid_optout.state.checkpoint import SealedCheckpoint, parse
from voiceid_optout.state.project import StackConfig

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return Backend(tmp_path, "sample", "dev")


def sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}.attrs")


def assert_whole(path: Path, content: bytes) -> None:
    assert path.read_bytes() == content
    md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
    assert sidecar(path).read_text() == (
        '{"user.cache_control":"","user.content_disposition":"","user.content_encoding":"",'
        '"user.content_language":"","user.content_type":"text/plain; charset=utf-8","user.metadata":null,'
        f'"md5":"{md5}"}}'
    )


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_places(backend: Backend, tmp_path: Path) -> None:
    assert backend.state_file == tmp_path / ".pulumi/stacks/sample/dev.json"
    assert backend.lock_folder == tmp_path / ".pulumi/locks/organization/sample/dev"
    assert backend.journal_file == tmp_path / ".pulumi/journals/sample/dev.jsonl"
    assert backend.history_folder == tmp_path / ".pulumi/history/sample/dev"


class TestState:
    def test_none_yet(self, backend: Backend) -> None:
        assert backend.read() is None

    def test_first_write(self, backend: Backend, tmp_path: Path) -> None:
        backend.write(b"one")
        assert backend.read() == b"one"
        assert_whole(backend.state_file, b"one")
        stack = ".pulumi/stacks/sample/dev.json"
        assert files(tmp_path) == {".pulumi/meta.yaml", stack, f"{stack}.attrs"}
        assert (tmp_path / ".pulumi/meta.yaml").read_bytes() == b"version: 1\n"

    def test_the_one_before_stays(self, backend: Backend) -> None:
        for content in (b"one", b"two", b"three"):
            backend.write(content)
        assert_whole(backend.state_file, b"three")
        assert_whole(backend.state_file.with_name("dev.json.bak"), b"two")

    def test_the_one_before_is_not_kept_where_it_says_nothing(self, backend: Backend) -> None:
        backend.write(b"one")
        backend.write(b"two", keep=False)
        assert backend.read() == b"two"
        assert not backend.state_file.with_name("dev.json.bak").exists()

    def test_a_state_without_a_sidecar_is_kept_without(self, backend: Backend) -> None:
        backend.write(b"one")
        sidecar(backend.state_file).unlink()
        before = backend.state_file.with_name("dev.json.bak")
        sidecar(before).write_bytes(b"of an older one")
        backend.write(b"two")
        assert before.read_bytes() == b"one"
        assert not sidecar(before).exists()

    def test_others_may_read_what_the_folder_is_and_nobody_the_state(self, backend: Backend) -> None:
        backend.write(b"one")
        assert (backend.root / ".pulumi/meta.yaml").stat().st_mode & 0o777 == 0o644
        assert backend.state_file.stat().st_mode & 0o777 == 0o600

    def test_an_empty_file_is_no_missing_one(self, backend: Backend) -> None:
        backend.write(b"")
        assert backend.read() == b""

    @pytest.mark.parametrize("ending", [".gz", ".zst"])
    def test_compressed(self, backend: Backend, ending: str) -> None:
        backend.write(b"one")
        backend.state_file.with_name(f"dev.json{ending}").write_bytes(b"")
        with pytest.raises(OutOfScopeError, match=rf"a compressed state \(dev.json{ending}\)"):
            backend.read()

    def test_unreadable(self, backend: Backend) -> None:
        backend.state_file.mkdir(parents=True)
        with pytest.raises(
            StateError, match=r"cannot read .*dev.json: Is a directory. Nothing that was there is lost"
        ):
            backend.read()

    def test_a_name_too_long_for_the_disk(self, tmp_path: Path) -> None:
        (tmp_path / ".pulumi/stacks/sample").mkdir(parents=True)
        with pytest.raises(StateError, match=r"cannot read .*: File name too long"):
            Backend(tmp_path, "sample", "x" * 300).read()

    def test_no_place(self, backend: Backend, tmp_path: Path) -> None:
        (tmp_path / ".pulumi").write_bytes(b"")
        with pytest.raises(StateError, match=r"cannot write .*: "):
            backend.write(b"one")

    def test_a_folder_where_the_state_is_to_be(self, backend: Backend) -> None:
        backend.state_file.mkdir(parents=True)
        with pytest.raises(StateError, match=r"^cannot write .*/dev\.json: Is a directory"):
            backend.write(b"one")

    def test_a_folder_where_the_state_before_is(self, backend: Backend) -> None:
        backend.state_file.with_name("dev.json.bak").mkdir(parents=True)
        with pytest.raises(StateError, match=r"^cannot write .*/dev\.json\.bak: Is a directory"):
            backend.upgrade(shorter)

    def test_a_stale_sidecar_is_replaced(self, backend: Backend) -> None:
        backend.write(b"one")
        sidecar(backend.state_file).write_bytes(b"")
        backend.write(b"two")
        assert_whole(backend.state_file, b"two")


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from voiceid_optout.state.backend import Backend
from voiceid_optout.state import StateError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, unlimited[1]))
try:
    Backend(Path(sys.argv[1]), "sample", "dev").write(b"x" * 2000)
except StateError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)  # what measures coverage writes at the end
"""


def test_a_full_disk(backend: Backend, tmp_path: Path) -> None:
    backend.write(b"before")
    environment = {**unmeasured(), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == (
        f"cannot write {backend.state_file}: File too large. Nothing that was there is lost; "
        "make room or set the permissions right, and run the command again\n"
    )
    assert backend.read() == b"before"
    assert not [name for name in files(tmp_path) if name.endswith(".tmp")]


class TestMeta:
    def test_more_keys(self, backend: Backend) -> None:
        meta = backend.root / ".pulumi/meta.yaml"
        meta.parent.mkdir()
        meta.write_bytes(b"more: x\nversion: 1\n")
        backend.write(b"one")
        assert meta.read_bytes() == b"more: x\nversion: 1\n"


class TestInitialise:
    def test_a_new_stack(self, backend: Backend) -> None:
        backend.initialise()
        text = b'{"version":3,"checkpoint":{"stack":"organization/sample/dev","latest":{"metadata":{}}}}'
        assert_whole(backend.state_file, text)
        assert parse(text, "dev.json") == SealedCheckpoint()

    def test_one_that_is_there(self, backend: Backend) -> None:
        backend.write(b"one")
        backend.initialise()
        assert backend.read() == b"one"


class TestHistory:
    def test_files(self, backend: Backend) -> None:
        backend.write(b"state")
        backend.write_history({"kind": "update", "version": 0}, 1234)
        pulumi = backend.root / ".pulumi"
        record = pulumi / "history/sample/dev/dev-1234.history.json"
        assert_whole(record, b'{\n    "kind": "update",\n    "version": 0\n}')
        assert json.loads(record.read_text()) == {"kind": "update", "version": 0}
        assert_whole(pulumi / "history/sample/dev/dev-1234.checkpoint.json", b"state")
        assert_whole(pulumi / "backups/sample/dev/dev.1234.json", b"state")
        names = ("history/sample/dev/dev-1234.checkpoint.json", "backups/sample/dev/dev.1234.json")
        assert len({(pulumi / name).stat().st_ino for name in names}) == 1, "one file on the disk"

    def test_a_large_state(self, backend: Backend) -> None:
        pieces = [b"x" * 1_500_000, b"", b"y" * 1_500_000]
        backend.write(b"before")
        backend.write_pieces(iter(pieces))
        assert_whole(backend.state_file, b"".join(pieces))
        assert backend.state_file.with_name("dev.json.bak").read_bytes() == b"before"
        backend.write_history({}, 1)
        assert_whole(backend.history_folder / "dev-1.checkpoint.json", b"".join(pieces))

    def test_it_stays_when_somebody_edits_the_state_in_place(self, backend: Backend) -> None:
        backend.write(b"state")
        backend.write_history({}, 1)
        backend.state_file.write_bytes(b"other")
        assert_whole(backend.history_folder / "dev-1.checkpoint.json", b"state")

    def test_no_place(self, backend: Backend) -> None:
        (backend.root / ".pulumi").write_bytes(b"")
        with pytest.raises(StateError, match=r"cannot write .*history/sample/dev: Not a directory"):
            backend.write_history({}, 1)


class TestStacks:
    def test_names(self, tmp_path: Path) -> None:
        for project, stack in (("sample", "prod"), ("sample", "eu.west"), ("other", "dev"), ("sample", "prod")):
            Backend(tmp_path, project, stack).write(b"{}")
        (tmp_path / ".pulumi/stacks/sample/dev.json.0a1b.tmp").write_bytes(b"")
        assert list(stacks(tmp_path, "sample")) == ["eu.west", "prod"]

    def test_none(self, tmp_path: Path) -> None:
        assert list(stacks(tmp_path, "sample")) == []


class TestLayout:
    @pytest.mark.parametrize("name", ["dev.json", "other.json", "dev.json.gz", "dev.json.zst"])
    def test_the_old_one_is_refused(self, backend: Backend, name: str) -> None:
        folder = backend.root / ".pulumi" / "stacks"
        folder.mkdir(parents=True)
        (folder / name).write_bytes(b"{}")
        before = files(backend.root)
        for work in (backend.read, backend.initialise, backend.prepare, lambda: backend.write(b"x")):
            with pytest.raises(StateError, match=r"has the old layout .* run `pulumi state upgrade`"):
                work()
        assert files(backend.root) == before

    @pytest.mark.parametrize(
        ("meta", "words"),
        [
            ("version: 0\n", "pulumi state upgrade"),
            ("version: 10\n", "is of version 10; this program knows version 1"),
            ("version: 2\n", "is of version 2"),
            ("", r"meta\.yaml says no version;"),
            ("x: 1\nversion: one\n", "says no version"),
            ("version: 1\nversion: 2\n", "says no version"),
        ],
    )
    def test_another_version_is_refused(self, backend: Backend, meta: str, words: str) -> None:
        (backend.root / ".pulumi").mkdir()
        (backend.root / ".pulumi" / "meta.yaml").write_text(meta)
        with pytest.raises(StateError, match=words):
            backend.read()
        with pytest.raises(StateError, match=words):
            backend.write(b"x")

    def test_a_folder_where_the_version_is(self, backend: Backend) -> None:
        (backend.root / ".pulumi" / "meta.yaml").mkdir(parents=True)
        with pytest.raises(StateError, match=r"^cannot read .*/meta\.yaml: Is a directory"):
            backend.read()

    @pytest.mark.parametrize("meta", ["version: 1", "# made by hand\nversion: 1  # project-scoped\n"])
    def test_the_present_one(self, backend: Backend, meta: str) -> None:
        (backend.root / ".pulumi" / "stacks").mkdir(parents=True)
        (backend.root / ".pulumi" / "meta.yaml").write_text(meta)
        assert backend.read() is None

    def test_leftovers_beside_it_are_no_old_layout(self, backend: Backend) -> None:
        (backend.root / ".pulumi" / "stacks" / "dev.json").mkdir(parents=True)
        (backend.root / ".pulumi" / "stacks" / "dev.json.bak").write_bytes(b"")
        assert backend.read() is None


def shorter(_type: str, id_: str, outputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return id_.removeprefix("old-"), {key: value for key, value in outputs.items() if key != "clear"}


def test_a_state_and_the_one_before_it_are_brought_up_to_date(backend: Backend) -> None:
    def state(id_: str, **outputs: str) -> bytes:
        item = {"urn": "u", "custom": True, "id": id_, "type": "a:b:C", "outputs": outputs, "unknown": [1.5]}
        latest = {"resources": [item], "pending_operations": [{"resource": item, "type": "updating"}]}
        return json.dumps({"version": 3, "checkpoint": {"latest": latest}}, separators=(",", ":")).encode()

    backend.write(state("old-1", clear="x"))
    backend.write(state("old-2", clear="x", val="y"))
    assert backend.upgrade(shorter)
    before = backend.state_file.with_name(f"{backend.state_file.name}.bak")
    assert (before.read_bytes(), backend.read()) == (state("1"), state("2", val="y"))
    assert not backend.upgrade(shorter)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"checkpoint": {"latest": {"resources": [3]}}}'])
def test_what_is_no_state_is_left_as_it_is(backend: Backend, content: bytes) -> None:
    backend.write(content)
    assert not backend.upgrade(shorter)
    assert backend.read() == content


CONFIG = StackConfig({"sample:a": "1", "sample:token": "hush"}, frozenset({"sample:token"}))


def record(kind: str = "update", *, succeeded: bool = True) -> dict[str, object]:
    counts = {"update": 2, "create": 1}
    return history_record(kind, "why", CONFIG, {"sample:token": "v1:x:y"}, counts, (10, 12), succeeded=succeeded)


def test_keys_and_their_order() -> None:
    assert json.dumps(record()) == json.dumps(
        {
            "kind": "update",
            "startTime": 10,
            "message": "why",
            "environment": {"exec.kind": "optout"},
            "config": {"sample:a": "1", "sample:token": {"secure": "v1:x:y"}},
            "version": 0,
            "result": "succeeded",
            "endTime": 12,
            "resourceChanges": {"create": 1, "update": 2},
        }
    )


def test_what_did_not_happen_is_not_counted() -> None:
    def changes(**counts: int) -> object:
        return history_record("update", "", CONFIG, {"sample:token": ""}, counts, (1, 2), succeeded=True)[
            "resourceChanges"
        ]

    assert changes(same=3, create=0) == {"same": 3}
    assert changes(create=0) is None


def test_only_the_one_before_may_be_out_of_date(backend: Backend) -> None:
    def state(id_: str) -> bytes:
        item = {"urn": "u", "custom": True, "id": id_, "type": "a:b:C", "outputs": {}}
        return json.dumps(
            {"version": 3, "checkpoint": {"latest": {"resources": [item]}}}, separators=(",", ":")
        ).encode()

    backend.write(state("old-1"))
    backend.write(state("2"))
    assert not backend.upgrade(shorter)
    before = backend.state_file.with_name(f"{backend.state_file.name}.bak")
    assert_whole(before, state("1"))
    assert_whole(backend.state_file, state("2"))


def test_no_secret_in_clear() -> None:
    assert "hush" not in json.dumps(record())


def test_kind() -> None:
    assert record("refresh")["kind"] == "refresh"


@pytest.mark.parametrize(("succeeded", "word"), [(True, "succeeded"), (False, "failed")])
def test_results(succeeded: bool, word: str) -> None:
    assert record(succeeded=succeeded)["result"] == word
