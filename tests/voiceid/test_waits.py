import pytest

from voiceid_optout.voiceid import waits


def test_an_announcement_is_known_again() -> None:
    said = waits.announce("OptOutSpeaker", 12.4)
    assert said == "Voice ID: OptOutSpeaker waits for its quota, another 12 s"
    assert waits.reason(f"{said}\n") == "OptOutSpeaker waits for its quota"


@pytest.mark.parametrize("message", ["", "Voice ID: OptOutSpeaker is refused", "OptOutSpeaker waits for its quota"])
def test_anything_else_is_none(message: str) -> None:
    assert waits.reason(message) is None
