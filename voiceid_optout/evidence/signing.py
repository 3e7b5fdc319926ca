"""Signatures of reports: Ed25519 (RFC 8032) over the root.

Keys and signatures are texts of hexadecimal digits, as roots and hashes are: people compare them by eye, and a
script of any language reads them. A private key is the seed of RFC 8032, 32 random bytes.
"""

from __future__ import annotations

import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from voiceid_optout.evidence import EvidenceError, Signature

# Begins what is signed, so that no signature of anything else passes for one of a report.
MESSAGE = b"voiceid-optout report root v1\n"
_KEY = re.compile("[0-9a-f]{64}")


def public_key(private_key: str) -> str:
    """Return the public key of a private one, both of 64 hexadecimal digits; raises :class:`EvidenceError`."""
    return _private(private_key).public_key().public_bytes_raw().hex()


def sign(private_key: str, root: bytes) -> Signature:
    """Sign a root, 32 bytes; raises :class:`EvidenceError` for a text that is no private key."""
    key = _private(private_key)
    return Signature(key.public_key().public_bytes_raw().hex(), key.sign(MESSAGE + root).hex())


def is_signed(signature: Signature, root: bytes) -> bool:
    """Tell whether the holder of the signature's public key has signed this root, whoever that is."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature.public_key))
        key.verify(bytes.fromhex(signature.value), MESSAGE + root)
    except (InvalidSignature, ValueError):
        return False
    return True


def _private(text: str) -> Ed25519PrivateKey:
    if not _KEY.fullmatch(text):
        raise EvidenceError("the private report key is not 64 hexadecimal digits")
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))
