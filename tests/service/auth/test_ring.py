from pathlib import Path

from voiceid_optout.service.auth.key_table import KeyRow
from voiceid_optout.service.auth.ring import make_ring
from voiceid_optout.service.auth.roles import Role
from voiceid_optout.service.secret_source import Kind, SecretSource

NAMES = ("OptOutSpeaker", "DescribeSpeaker", "DeleteSpeaker")


def row(key: str, secret: str = "s", role: Role = Role.READ, **more: object) -> KeyRow:
    return KeyRow(key, "ci", role, SecretSource(Kind.STORED, secret), 1.0, **more)  # type: ignore[arg-type]


def test_keys_have_the_operations_of_their_role() -> None:
    ring = make_ring([row("A"), row("B", role=Role.RECONCILE, may_release=True)], {"C": "c"}, NAMES)
    assert {name: sorted(key.operations) for name, key in ring.keys.items()} == {
        "A": ["DescribeSpeaker"],
        "B": ["DeleteSpeaker", "DescribeSpeaker", "OptOutSpeaker"],
        "C": ["DeleteSpeaker", "DescribeSpeaker", "OptOutSpeaker"],
    }


def test_the_store_decides_about_a_key_that_a_file_has_too() -> None:
    ring = make_ring([row("A", revoked_at=2.0), row("B", "new")], {"A": "a", "B": "b"}, NAMES)
    assert {name: (key.role, key.secret) for name, key in ring.keys.items()} == {"B": (Role.READ, "new")}


def test_a_secret_that_cannot_be_had_costs_its_key_alone(tmp_path: Path) -> None:
    missing = KeyRow("B", "ci", Role.READ, SecretSource(Kind.FILE, str(tmp_path / "none")), 1.0)
    ring = make_ring([row("A"), missing], {}, NAMES)
    assert list(ring.keys) == ["A"]
    assert "No such file" in ring.faults["B"]


def test_a_key_does_not_show_its_secret() -> None:
    ring = make_ring([row("A", "hush-hush")], {}, NAMES)
    assert "hush" not in repr(ring)
