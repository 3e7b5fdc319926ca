"""The values that reports, receipts and their readers share."""

import hashlib
import json
from dataclasses import asdict

from tests.tables import each_row
from voiceid_optout.evidence import Header, canonical, commitment, opening

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"


def test_canonical_json_has_sorted_keys_and_no_blanks() -> None:
    header = Header("p", "ä", "2026-03-02T09:15:00Z", None, 1, 30, None, "voiceid-optout 0.1.0")
    assert (
        canonical(header)
        == (
            '{"commit":null,"made_at":"2026-03-02T09:15:00Z","overdue_days":30,"people":1,"previous":null,'
            '"project":"p","stack":"ä","tool":"voiceid-optout 0.1.0","type":"voiceid-optout/report","version":1}'
        ).encode()
    )


@each_row("text", ['"', "\\", "\n\t\r\b\f\x00\x1f\x7f", "\u2028\u00e9\U0001f3a4", "</script>", ""])
def test_a_text_is_written_as_json_has_it(text: str) -> None:
    header = Header(text, text, text, text, 1, 30, None, text)
    written = json.dumps(asdict(header), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical(header) == canonical(asdict(header)) == written.encode()


def test_a_commitment_opens_for_one_person_alone() -> None:
    made = opening("key", DOMAIN, "caller-1")
    assert commitment(made, DOMAIN, "caller-1") == hashlib.sha256(f"{made}/{DOMAIN}/caller-1".encode()).hexdigest()
    assert commitment(made, DOMAIN, "caller-2") != commitment(made, DOMAIN, "caller-1")
    assert opening("other key", DOMAIN, "caller-1") != made
