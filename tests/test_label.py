import hashlib
import hmac
import re

from hypothesis import given
from hypothesis import strategies as st

from voiceid_optout.label import label

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"


def test_a_label_is_the_same_for_ever() -> None:
    """Made with another program; every state and every plan holds such names."""
    assert label(DOMAIN, DOMAIN, "caller-000017") == "sp-723d475f7bba2603"
    assert label("a secret key", DOMAIN, "caller-000017") == "sp-d74744e159288252"


@given(st.text(), st.text("aZ09", min_size=22, max_size=22), st.text())
def test_a_label_is_the_start_of_a_keyed_digest(key: str, domain: str, speaker: str) -> None:
    made = label(key, domain, speaker)
    assert re.fullmatch(r"sp-[0-9a-f]{16}", made)
    assert made[3:] == hmac.digest(key.encode(), f"{domain}/{speaker}".encode(), hashlib.sha256).hex()[:16]


def test_key_domain_and_speaker_all_matter() -> None:
    assert len({label(key, domain, speaker) for key in "ab" for domain in "cd" for speaker in "ef"}) == 8
