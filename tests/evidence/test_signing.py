"""Signatures are those of RFC 8032, over the words of ours and the root."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.tables import each_row
from voiceid_optout.evidence import EvidenceError, Signature
from voiceid_optout.evidence.signing import is_signed, public_key, sign

# Test 1 of RFC 8032, section 7.1.
PRIVATE = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
ROOT = bytes(range(32))


def test_the_public_key_is_that_of_the_standard() -> None:
    assert public_key(PRIVATE) == PUBLIC


def test_what_is_signed_is_our_words_and_the_root() -> None:
    signature = sign(PRIVATE, ROOT)
    assert (signature.public_key, signature.algorithm) == (PUBLIC, "Ed25519")
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(PUBLIC))
    key.verify(bytes.fromhex(signature.value), b"voiceid-optout report root v1\n" + ROOT)
    assert is_signed(signature, ROOT)
    assert not is_signed(signature, ROOT[::-1])


def test_each_changed_digit_is_found() -> None:
    signature = sign(PRIVATE, ROOT)
    for name in ("public_key", "value"):
        text = getattr(signature, name)
        for place in range(len(text)):
            digit = "0" if text[place] != "0" else "1"
            changed = {name: f"{text[:place]}{digit}{text[place + 1 :]}"}
            fields = {"public_key": signature.public_key, "value": signature.value} | changed
            assert not is_signed(Signature(**fields), ROOT), (name, place)


@each_row("text", ["", "9d", "no digits", PRIVATE.upper(), f"{PRIVATE}\n"])
def test_what_is_no_private_key_is_not_shown(text: str) -> None:
    with pytest.raises(EvidenceError) as raised:
        sign(text, ROOT)
    assert str(raised.value) == "the private report key is not 64 hexadecimal digits"


@each_row(("public", "value"), [("00", "00"), ("zz", "zz"), ("ff" * 32, "00" * 64)])
def test_what_is_no_signature_signs_nothing(public: str, value: str) -> None:
    assert not is_signed(Signature(public, value), ROOT)
