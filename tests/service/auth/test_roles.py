import pytest

from voiceid_optout.model import load_model
from voiceid_optout.service.auth.roles import Role, granted, not_granted

NAMES = frozenset(load_model()["operations"])


def test_reading_is_everything_that_changes_nothing() -> None:
    reading = granted(Role.READ, NAMES, may_release=False)
    assert {name for name in reading if not name.startswith(("Describe", "List"))} == {"EvaluateSession"}
    assert len(reading) == 14


def test_each_role_has_more_than_the_one_before() -> None:
    read = granted(Role.READ, NAMES, may_release=False)
    reconcile = granted(Role.RECONCILE, NAMES, may_release=False)
    releasing = granted(Role.RECONCILE, NAMES, may_release=True)
    assert reconcile - read == {"OptOutSpeaker"}
    assert releasing - reconcile == {"DeleteSpeaker"}
    assert granted(Role.ADMIN, NAMES, may_release=False) == NAMES


@pytest.mark.parametrize("role", Role)
def test_a_refusal_names_role_and_operation(role: Role) -> None:
    error = not_granted(role, "DeleteSpeaker")
    assert error.code == "AccessDeniedException"
    assert f"'{role}'" in error.text
    assert "DeleteSpeaker" in error.text
    assert ("--may-release" in error.text) == (role is Role.RECONCILE)
