from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.bench import PASSPHRASE, SALT, THING, urn
from voiceid_optout.state import OutOfScopeError, PassphraseError, ProjectError, StackError, StateError, values
from voiceid_optout.state import checkpoint as checkpoints
from voiceid_optout.state.backend import Backend
from voiceid_optout.state.checkpoint import Checkpoint
from voiceid_optout.state.journal import EntryKind, Journal, JournalFile, fingerprint
from voiceid_optout.state.project import Project
from voiceid_optout.state.resource import ResourceState
from voiceid_optout.state.stack import Stack, open_stack
from voiceid_optout.state.trust import IDENTIFIERS
from voiceid_optout.state.values import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from voiceid_optout.state.passphrase import Crypter

K = EntryKind
SIGNED = {values.SIGNATURE_KEY: values.SECRET_SIGNATURE}


def thing(name: str, id_: str = "i", **keys: Any) -> ResourceState:
    return ResourceState(urn=urn(name), custom=True, type=THING, id=id_, **keys)


BASE = Checkpoint((thing("a", inputs={"val": Secret("hush")}), thing("b")))


class Place:
    """A project folder with a stack file, and its backend."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.backend = Backend(root / "state", "sample", "dev")
        self.said: list[str] = []
        self.settings()

    def settings(self, salt: str | None = SALT, config: str = "{}") -> None:
        line = f"encryptionsalt: {salt}\n" if salt else ""
        self.file.write_text(f"{line}config: {config}\n")

    @property
    def file(self) -> Path:
        return self.root / "Pulumi.dev.yaml"

    def state(self, crypter: Crypter, base: Checkpoint = BASE) -> bytes:
        checkpoint = checkpoints.render("dev", "sample", base, crypter, datetime(2026, 1, 1, tzinfo=UTC))
        self.backend.write(checkpoint)
        return checkpoint

    def killed(self, crypter: Crypter, mark: str, base: Checkpoint, *steps: tuple[K, Any]) -> Checkpoint:
        """Leave the journal of a run that was killed."""
        file = JournalFile(self.backend.journal_file, crypter, mark)
        journal = Journal(base, file.append)
        for kind, resource in steps:
            journal.record(kind, resource, "creating" if kind is K.BEGIN else "")
        lines = self.backend.journal_file.read_bytes()
        file.close()
        self.backend.journal_file.write_bytes(lines)
        return journal.checkpoint()

    def open(self, *, writable: bool = True, phrase: str | None = PASSPHRASE, stack: str = "dev") -> Stack:
        environment = {} if phrase is None else {"PULUMI_CONFIG_PASSPHRASE": phrase}
        project = Project(self.root, "sample", ".")
        backend = replace(self.backend, stack=stack)
        return open_stack(project, backend, environment, self.said.append, writable=writable)

    def files(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}

    def refuses(self, error: type[StackError], words: str, phrase: str | None = PASSPHRASE) -> None:
        """Check that opening fails so, and that nothing was written."""
        before = self.files()
        with pytest.raises(error, match=words):
            self.open(phrase=phrase)
        assert self.files() == before


@pytest.fixture
def place(tmp_path: Path, known_salts: None) -> Place:
    return Place(tmp_path)


def test_a_state_cut_at_any_byte_is_refused_and_left_alone(place: Place, crypter: Crypter) -> None:
    whole = place.state(crypter)
    for cut in range(len(whole)):
        place.backend.state_file.write_bytes(whole[:cut])
        with pytest.raises(StateError, match=r"dev\.json"):
            place.open()
        assert place.backend.state_file.read_bytes() == whole[:cut]
    place.backend.state_file.write_bytes(whole)
    assert place.open().base == BASE


class TestOpen:
    def test_first_run(self, place: Place) -> None:
        place.settings(config='{"sample:a": {"b": 1}}')
        opened = place.open()
        assert (opened.name, opened.mark, opened.base) == ("dev", fingerprint(None), Checkpoint())
        assert opened.config.values == {"sample:a": '{"b":1}'}
        assert place.said == []
        assert not place.backend.root.exists()

    def test_a_state(self, place: Place, crypter: Crypter) -> None:
        checkpoint = place.state(crypter)
        opened = place.open()
        assert (opened.mark, opened.base) == (fingerprint(checkpoint), BASE)

    def test_secret_config(self, place: Place, crypter: Crypter) -> None:
        inner = {"list": [{"secure": crypter.encrypt("hush")}, "x"], "deep": {"secure": crypter.encrypt("deeper")}}
        place.settings(config=json.dumps({"sample:a": inner, "sample:b": {"secure": crypter.encrypt("top")}}))
        config = place.open().config
        assert config.values == {"sample:a": '{"deep":"deeper","list":["hush","x"]}', "sample:b": "top"}
        assert config.secret_keys == {"sample:a", "sample:b"}

    def test_a_state_in_plaintext(self, place: Place) -> None:
        secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"hush"'}
        document = {"urn": urn("a"), "custom": True, "id": "i", "inputs": {"val": secret}}
        place.backend.write(
            json.dumps({"version": 3, "checkpoint": {"latest": {"resources": [document]}}}).encode()
        )
        assert place.open().base.resources == (thing("a", inputs={"val": Secret("hush")}),)


class TestIdentifiersInClear:
    ID = "caller-of-a-test"

    def of_people(self, crypter: Crypter, place: Place, plain: Any) -> bytes:
        """Write a state of one person and one shard whose identifiers stand there like this."""
        for name, (type_, key) in enumerate(IDENTIFIERS.items()):
            properties = {"domain_id": "d", key: Secret(self.ID)}
            item = ResourceState(urn=urn(f"s{name}", type_), custom=True, type=type_, id="i", inputs=properties)
            item = replace(item, outputs=properties)
            place.state(crypter, Checkpoint((*place.open().base.resources, item)))
        document = json.loads(place.backend.read() or b"")
        for item, key in zip(document["checkpoint"]["latest"]["resources"], IDENTIFIERS.values(), strict=True):
            item["inputs"][key] = item["outputs"][key] = plain
        place.backend.write(json.dumps(document).encode())
        for kept in place.root.rglob("*.bak"):
            kept.unlink()
        return place.backend.read() or b""

    @pytest.mark.parametrize("plain", [ID, {**SIGNED, "plaintext": json.dumps(ID)}])
    def test_a_run_that_writes_seals_them_and_keeps_no_copy(
        self, place: Place, crypter: Crypter, plain: Any
    ) -> None:
        self.of_people(crypter, place, plain)
        opened = place.open()
        assert [
            item.inputs[key] for item, key in zip(opened.base.resources, IDENTIFIERS.values(), strict=True)
        ] == [Secret(self.ID)] * 2
        assert opened.mark == fingerprint(place.backend.read())
        assert not any(self.ID.encode() in content for content in place.files().values())
        (said,) = place.said
        assert said.startswith("the state held the identifiers of 2 resources in clear; they are sealed now.")

    def test_others_hide_them_and_say_so(self, place: Place, crypter: Crypter) -> None:
        before = self.of_people(crypter, place, self.ID)
        opened = place.open(writable=False)
        assert self.ID not in json.dumps([values.masked(item.outputs) for item in opened.base.resources])
        assert place.backend.read() == before
        assert "the next run that writes seals them" in place.said[0]


class TestSalts:
    def test_a_new_one_is_stored_once(self, place: Place) -> None:
        place.settings(salt=None, config="{a: b} # why")
        first = place.open()
        text = place.file.read_text()
        assert text == f"encryptionsalt: {first.crypter.salt_text}\nconfig: {{a: b}} # why\n"
        again = place.open()
        assert again.crypter.salt_text == first.crypter.salt_text
        assert place.file.read_text() == text

    def test_a_preview_stores_none(self, place: Place) -> None:
        place.settings(salt=None)
        before = place.files()
        place.open(writable=False)
        assert place.files() == before

    def test_the_one_of_the_state_serves_both(self, place: Place, crypter: Crypter) -> None:
        place.settings(salt=None)
        place.state(crypter)
        assert place.open().base == BASE
        assert place.file.read_text().startswith(f"encryptionsalt: {SALT}\n")

    def test_of_the_file_and_of_the_state_differ(
        self, place: Place, crypter: Crypter, other_crypter: Crypter
    ) -> None:
        place.settings(config=json.dumps({"a": {"secure": crypter.encrypt("top")}}))
        place.state(other_crypter)
        opened = place.open()
        assert (opened.base, opened.config.values) == (BASE, {"sample:a": "top"})
        assert opened.crypter.salt_text == SALT

    def test_a_state_of_another_passphrase(self, place: Place, other_crypter: Crypter) -> None:
        place.settings(salt="v1:AAECAwQFBgc=:v1:AAECAwQFBgcICQoL:Lsv0Mq4P43OA9/CWlvPiZJXoK3BhFA==")
        place.state(other_crypter)
        place.refuses(PassphraseError, "incorrect passphrase")

    def test_a_state_whose_salt_is_lost(self, place: Place, other_crypter: Crypter) -> None:
        checkpoint = json.loads(place.state(other_crypter))
        del checkpoint["checkpoint"]["latest"]["secrets_providers"]
        place.backend.write(json.dumps(checkpoint).encode())
        place.settings(salt=None)
        place.refuses(PassphraseError, "a secret of the stack was encrypted with another passphrase")


class TestRefused:
    def test_missing_passphrase(self, place: Place) -> None:
        place.refuses(PassphraseError, "no passphrase: set PULUMI_CONFIG_PASSPHRASE", phrase=None)

    def test_wrong_passphrase(self, place: Place) -> None:
        place.refuses(PassphraseError, "incorrect passphrase", phrase="y")

    def test_unknown_stack(self, place: Place) -> None:
        with pytest.raises(ProjectError, match=r"no stack file Pulumi.prod.yaml; the stacks here are: dev"):
            place.open(stack="prod")

    def test_damaged_salt(self, place: Place) -> None:
        place.settings(salt="v1:oops")
        place.refuses(StateError, "the encryption salt is damaged")

    @pytest.mark.parametrize(
        ("value", "error"),
        [("v1:x", StateError), ("v1:DA0ODxAREhMUFRYX:hutpcRs1tS+D2ewmRPH0/zKejlo=", PassphraseError)],
    )
    def test_secret_config(self, place: Place, value: str, error: type[StackError]) -> None:
        place.settings(config=json.dumps({"a": {"b": [{"secure": value}]}}))
        place.refuses(error, "a secret of the stack")

    @pytest.mark.parametrize("salt", [SALT, None])
    @pytest.mark.parametrize(
        ("text", "error", "words"),
        [
            (b"", StateError, r"dev\.json is not a Pulumi state file: restore it from .*dev\.json\.bak"),
            (b'{"version":3,"chec', StateError, "is not a Pulumi state file"),
            (b'{"version":99}', StateError, "checkpoint version 99 is not supported"),
            (b'{"version":4,"features":["taint"]}', OutOfScopeError, "the state uses taint"),
            (b'{"version":3,"checkpoint":{"latest":{"resources":[{}]}}}', StateError, "a resource without a URN"),
        ],
    )
    def test_damaged_state(
        self, place: Place, text: bytes, error: type[StackError], words: str, salt: str | None
    ) -> None:
        place.settings(salt=salt)
        place.backend.write(text)
        place.refuses(error, words)


class TestRecovery:
    def test_written_before_anything_else(self, place: Place, crypter: Crypter) -> None:
        checkpoint = place.state(crypter)
        left = place.killed(crypter, fingerprint(checkpoint), BASE, (K.PUT, thing("c")), (K.BEGIN, thing("d", "")))
        opened = place.open()
        assert opened.base == left
        words = "recovered 1 finished steps from its journal; 1 were under way and are looked at again"
        assert place.said == [f"the run before this one was killed: {words}"]
        assert opened.mark == fingerprint(place.backend.read())
        assert not place.backend.journal_file.exists()
        assert place.backend.state_file.with_name("dev.json.bak").read_bytes() == checkpoint

    def test_a_second_kill_loses_nothing(self, place: Place, crypter: Crypter) -> None:
        checkpoint = place.state(crypter)
        place.killed(crypter, fingerprint(checkpoint), BASE, (K.PUT, thing("c")))
        second = place.open()
        left = place.killed(crypter, second.mark, second.base, (K.PUT, thing("d")))
        assert {item.urn for item in left.resources} == {urn(name) for name in "abcd"}
        assert place.open().base == left
        assert len(place.said) == 2

    def test_at_the_first_run(self, place: Place, crypter: Crypter) -> None:
        left = place.killed(crypter, fingerprint(None), Checkpoint(), (K.PUT, thing("c")))
        assert place.open().base == left
        place.said.clear()
        assert place.open().base == left
        assert place.said == []

    def test_a_preview_writes_nothing(self, place: Place, crypter: Crypter) -> None:
        checkpoint = place.state(crypter)
        left = place.killed(crypter, fingerprint(checkpoint), BASE, (K.REMOVE, BASE.resources[1]))
        before = place.files()
        opened = place.open(writable=False)
        assert (opened.base, opened.mark) == (left, fingerprint(checkpoint))
        assert place.files() == before
        assert "recovered 1 finished steps" in place.said[0]

    def test_of_a_state_written_since(self, place: Place, crypter: Crypter) -> None:
        place.killed(crypter, fingerprint(b"another"), BASE, (K.PUT, thing("c")))
        place.state(crypter)
        assert place.open().base == BASE
        assert place.said == []
