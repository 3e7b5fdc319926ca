from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.engine.bench import PASSPHRASE, SALT
from tests.tables import each_row
from voiceid_optout.state import PassphraseError, StateError, passphrase

if TYPE_CHECKING:
    from pathlib import Path

    from voiceid_optout.state.passphrase import Crypter

# Made with fixed salt and nonces by the format's description, not by the code under test.
VECTOR_PHRASE = "correct horse"
VECTOR_SALT = "v1:AAECAwQFBgc=:v1:AAECAwQFBgcICQoL:Lsv0Mq4P43OA9/CWlvPiZJXoK3BhFA=="
VECTOR_SECRET = "v1:DA0ODxAREhMUFRYX:hutpcRs1tS+D2ewmRPH0/zKejlo="


@pytest.fixture(scope="module")
def vector() -> Crypter:
    return passphrase.open_with(VECTOR_PHRASE, VECTOR_SALT)


@pytest.fixture(scope="module")
def cipher() -> AESGCM:
    """The sample's cipher by means of its own."""
    salt = b64decode(SALT.split(":")[1])
    return AESGCM(hashlib.pbkdf2_hmac("sha256", PASSPHRASE.encode(), salt, 1_000_000, 32))


@pytest.mark.costly
def test_known_answer(vector: Crypter) -> None:
    assert vector.decrypt(VECTOR_SECRET) == "hush"
    assert vector.salt_text == VECTOR_SALT


@pytest.mark.costly
def test_the_sample_salt_holds_the_word_pulumi(cipher: AESGCM, crypter: Crypter) -> None:
    version, salt, inner, nonce, proof = SALT.split(":")
    assert (version, inner) == ("v1", "v1")
    assert (len(b64decode(salt)), len(b64decode(nonce))) == (8, 12)
    assert cipher.decrypt(b64decode(nonce), b64decode(proof), None) == b"pulumi"
    assert passphrase.open_with(PASSPHRASE, SALT).decrypt(crypter.encrypt("x")) == "x"


@pytest.mark.parametrize("text", ["", "hush", "Grüße ✓", '{"a":1}', "x" * 10_000])
def test_what_is_sealed_follows_the_format(crypter: Crypter, cipher: AESGCM, text: str) -> None:
    version, nonce, sealed = crypter.encrypt(text).split(":")
    assert version == "v1"
    assert len(b64decode(nonce, validate=True)) == 12
    assert cipher.decrypt(b64decode(nonce), b64decode(sealed, validate=True), None).decode() == text


@pytest.mark.parametrize("text", ["", "hush", "Grüße ✓"])
def test_what_another_sealed_is_read(crypter: Crypter, cipher: AESGCM, text: str) -> None:
    nonce = bytes(range(12))
    sealed = cipher.encrypt(nonce, text.encode(), None)
    assert crypter.decrypt(f"v1:{b64encode(nonce).decode()}:{b64encode(sealed).decode()}") == text


def test_the_key_that_everybody_has_is_not_derived_again(monkeypatch: pytest.MonkeyPatch) -> None:
    salt = "v1:LfTudhKBNeo=:v1:OqzBUkjqGv6RgaAG:sHbNnez9NnsswughF7/FfGmlhxC1qw=="
    key = hashlib.pbkdf2_hmac("sha256", b"local", b64decode(salt.split(":")[1]), 1_000_000, 32)
    sealed = AESGCM(key).encrypt(bytes(12), b"hush", None)
    monkeypatch.delattr(passphrase, "PBKDF2HMAC")
    assert (
        passphrase.open_with("local", salt).decrypt(
            f"v1:{b64encode(bytes(12)).decode()}:{b64encode(sealed).decode()}"
        )
        == "hush"
    )
    with pytest.raises(NameError):
        passphrase.open_with("local ", salt)


def test_no_two_alike(crypter: Crypter) -> None:
    assert len({crypter.encrypt("hush") for _ in range(20)}) == 20


def test_a_new_salt_opens_again(other_crypter: Crypter) -> None:
    again = passphrase.open_with(PASSPHRASE, other_crypter.salt_text)
    assert again.decrypt(other_crypter.encrypt("hush")) == "hush"
    assert other_crypter.salt_text != SALT
    assert [len(part) for part in other_crypter.salt_text.split(":")] == [2, 12, 2, 16, 32]


def test_of_another_key(crypter: Crypter, other_crypter: Crypter) -> None:
    with pytest.raises(PassphraseError, match="a secret of the stack was encrypted with another passphrase"):
        crypter.decrypt(other_crypter.encrypt("hush"))


@pytest.mark.parametrize(
    "text", ["", "hush", "v1:x", "v1:AAAA", "v1:a:b", "v1:AAAA:AAAA", "v1:é:AAAA", "v1:::", "None"]
)
def test_a_damaged_secret(crypter: Crypter, text: str) -> None:
    with pytest.raises(StateError, match="a secret of the stack is damaged"):
        crypter.decrypt(text)


def test_a_changed_secret(crypter: Crypter) -> None:
    version, nonce, sealed = crypter.encrypt("hush").split(":")
    changed = bytes([b64decode(sealed)[0] ^ 1]) + b64decode(sealed)[1:]
    with pytest.raises(PassphraseError):
        crypter.decrypt(f"{version}:{nonce}:{b64encode(changed).decode()}")


@pytest.mark.costly
def test_wrong_passphrase() -> None:
    with pytest.raises(PassphraseError, match="incorrect passphrase: set PULUMI_CONFIG_PASSPHRASE or") as caught:
        passphrase.open_with("not the one", SALT)
    assert "not the one" not in str(caught.value)


@each_row("salt", ["", "v1", "v1:AAAA", "v2:x:y", "v1:a:v1:b:c"])
def test_a_damaged_salt(salt: str) -> None:
    with pytest.raises(StateError, match=r"the encryption salt is damaged: restore Pulumi.<stack>.yaml"):
        passphrase.open_with(PASSPHRASE, salt)


@pytest.mark.costly
@each_row("proof", ["v1:AAAA", "v1:AAAA:AAAA", "nothing"])
def test_a_damaged_proof(proof: str) -> None:
    with pytest.raises(StateError, match="the encryption salt is damaged"):
        passphrase.open_with(PASSPHRASE, f"v1:AAECAwQFBgc=:{proof}")


class TestFind:
    def test_in_the_environment(self, tmp_path: Path) -> None:
        path = tmp_path / "phrase"
        path.write_text("from the file")
        environment = {"PULUMI_CONFIG_PASSPHRASE": " x ", "PULUMI_CONFIG_PASSPHRASE_FILE": str(path)}
        assert passphrase.find(environment) == " x "

    def test_an_empty_one_is_one(self) -> None:
        assert passphrase.find({"PULUMI_CONFIG_PASSPHRASE": ""}) == ""

    def test_in_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "phrase"
        path.write_text("from the file\n")
        assert passphrase.find({"PULUMI_CONFIG_PASSPHRASE_FILE": str(path)}) == "from the file"

    def test_in_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(PassphraseError, match="PULUMI_CONFIG_PASSPHRASE_FILE cannot be read: No such file"):
            passphrase.find({"PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "phrase")})

    def test_in_a_file_of_no_text(self, tmp_path: Path) -> None:
        path = tmp_path / "phrase"
        path.write_bytes(b"\xff\xfe")
        with pytest.raises(PassphraseError, match="PULUMI_CONFIG_PASSPHRASE_FILE cannot be read: it is not UTF-8"):
            passphrase.find({"PULUMI_CONFIG_PASSPHRASE_FILE": str(path)})

    @pytest.mark.parametrize("environment", [{}, {"PULUMI_CONFIG_PASSPHRASE_FILE": ""}])
    def test_nowhere(self, environment: dict[str, str]) -> None:
        with pytest.raises(PassphraseError, match="no passphrase: set PULUMI_CONFIG_PASSPHRASE or"):
            passphrase.find(environment)
