"""The passphrase secrets provider in Pulumi's own format.

Key: PBKDF2-HMAC-SHA256 of the passphrase, 8 bytes of salt, 1,000,000 rounds, 32 bytes. Cipher: AES-256-GCM with a
nonce of 12 bytes and no additional data. Texts: ``v1:<nonce>:<ciphertext and tag>``, both base64.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from voiceid_optout.state import PassphraseError, StateError

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUNDS = 1_000_000
INCORRECT = (
    "incorrect passphrase: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the one this stack was "
    "made with; if a change of it was cut short, run `optout passphrase rotate` again"
)
_PROOF = "pulumi"
# Keys that are no secret: passphrase and salt of the sandbox are in every copy of this project. To derive them
# takes longer than anything else that a first look does.
_PUBLIC_KEYS = {
    ("local", b64decode("LfTudhKBNeo=")): bytes.fromhex(
        "762f94fe400a3829ab77cde83328275f62b7decacd5ca4fbeaa7c3fd635f10b9"
    )
}
_NONCE_BYTES = 12
_SALT_BYTES = 8
_DAMAGED_SALT = "the encryption salt is damaged: restore Pulumi.<stack>.yaml or the state from Git or a backup"


class Crypter:
    """Encrypts and decrypts texts under one passphrase and salt."""

    def __init__(self, salt_text: str, key: bytes) -> None:
        self.salt_text = salt_text
        self._cipher = AESGCM(key)

    def encrypt(self, text: str) -> str:
        """Return ``v1:<nonce>:<ciphertext>`` under a fresh nonce."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), None)
        return f"v1:{b64encode(nonce).decode()}:{b64encode(sealed).decode()}"

    def decrypt(self, text: str) -> str:
        """Return the clear text, or raise :class:`PassphraseError` when it was sealed with another key."""
        try:
            _, nonce, sealed = text.split(":")
            return self._cipher.decrypt(b64decode(nonce), b64decode(sealed), None).decode()
        except InvalidTag:
            raise PassphraseError("a secret of the stack was encrypted with another passphrase") from None
        except (ValueError, Base64Error):
            raise StateError("a secret of the stack is damaged: restore the file from Git or a backup") from None


def create(passphrase: str) -> Crypter:
    """Make a crypter with a new salt."""
    salt = os.urandom(_SALT_BYTES)
    key = _derive(passphrase, salt)
    proof = Crypter("", key).encrypt(_PROOF)
    return Crypter(f"v1:{b64encode(salt).decode()}:{proof}", key)


def open_with(passphrase: str, salt_text: str) -> Crypter:
    """Make the crypter of an existing salt; raises :class:`PassphraseError` when the passphrase does not fit."""
    try:
        _, salt, proof = salt_text.split(":", 2)
        key = _derive(passphrase, b64decode(salt))
    except (ValueError, Base64Error):
        raise StateError(_DAMAGED_SALT) from None
    crypter = Crypter(salt_text, key)
    try:
        crypter.decrypt(proof)
    except PassphraseError:
        raise PassphraseError(INCORRECT) from None
    except StateError:
        raise StateError(_DAMAGED_SALT) from None
    return crypter


def find(environment: Mapping[str, str]) -> str:
    """Read the passphrase as the Pulumi CLI does: from a variable, or the file a variable names."""
    if (passphrase := environment.get("PULUMI_CONFIG_PASSPHRASE")) is not None:
        return passphrase
    if path := environment.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise PassphraseError(f"PULUMI_CONFIG_PASSPHRASE_FILE cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise PassphraseError("PULUMI_CONFIG_PASSPHRASE_FILE cannot be read: it is not UTF-8 text") from None
    raise PassphraseError(
        "no passphrase: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE (it protects the identifiers "
        "in the state)"
    )


@lru_cache(maxsize=4)  # `up` plans and then applies: the second run of a process need not wait for the key again
def _derive(passphrase: str, salt: bytes) -> bytes:
    if (public := _PUBLIC_KEYS.get((passphrase, salt))) is not None:
        return public
    # Not hashlib: the OpenSSL that a Python is built with may need half as long again.
    return PBKDF2HMAC(SHA256(), 32, salt, ROUNDS).derive(passphrase.encode())
