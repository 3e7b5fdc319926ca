import pytest

from voiceid_optout.register.edit import redacted


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("domain: sandbox", "domain: sandbox"),
        ("domain: sandbox  # asked by caller-1", "domain: sandbox  # …"),
        ('domain: "sandbox" #caller-1', 'domain: "sandbox" #…'),
        ("domain: caller-1 objects", "domain: …"),
        ("    domain: caller-1", "    domain: …"),  # of a reason over several lines
        ("speakers:", "speakers:"),
        ("released: []", "released: []"),
        ("", ""),
        ("  - caller-1", "  - …"),
        ("-   id: caller-1  # twice", "-   id: …"),
        ("    requested_on: 2026-03-02", "    requested_on: …"),
        ("    reason:", "    reason:"),
        ("    folded caller-1", "    …"),
        ("# caller-1", "# …"),
        ("  # - caller-1  # ENROLLED", "  # …"),
        ("speakers: [caller-1]", "speakers: …"),
        ("speakers: # caller-1", "speakers: # …"),
        ("{domain: sandbox, speakers: [caller-1]}", "…"),
        ("\tcaller-1\x0b", "…"),
    ],
)
def test_structure_is_left_and_nothing_about_people(line: str, shown: str) -> None:
    assert redacted(line) == shown
