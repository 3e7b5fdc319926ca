import pytest

from tests.register.conftest import DOMAINS, SANDBOX
from voiceid_optout.register import Ensure, Register
from voiceid_optout.register.edit import Given, Person, Refused, to_add, to_adopt, to_release
from voiceid_optout.register.loader import load_texts

TEXTS = {
    "a.yaml": b"domain: sandbox\nspeakers: [caller-1]\nreleased: [{id: caller-2, reason: r}]\n",
    "b.yaml": b"domain: other\nspeakers: [caller-1, caller-3]\n",
}


@pytest.fixture
def register() -> Register:
    return load_texts(TEXTS.items(), [], domains=DOMAINS, default_domain=None)


def given(*ids: str, **details: str) -> list[Given]:
    return [Given(f"id {number}", Person(id_, details)) for number, id_ in enumerate(ids, 1)]


def test_new_people_go_to_the_file_and_those_back_to_their_own(register: Register) -> None:
    changes = to_add(register, given("caller-3", "caller-2"), domain_id=SANDBOX, file="c.yaml")
    assert [person.speaker_id for person in changes["c.yaml"].add[Ensure.OPTED_OUT]] == ["caller-3"]
    (back,) = changes["a.yaml"].add[Ensure.OPTED_OUT]
    assert (back.speaker_id, back.replaces) == ("caller-2", changes["a.yaml"].remove[0].location)


def test_all_who_cannot_be_added_are_told_without_a_name(register: Register) -> None:
    with pytest.raises(Refused) as caught:
        to_add(register, given("caller-1", "caller-3", "caller-3"), domain_id=SANDBOX, file="a.yaml")
    assert caught.value.problems == ("id 3: the same as id 2", "id 1: already listed at a.yaml:2")
    assert "caller" not in str(caught.value)


def test_those_listed_may_be_passed_over(register: Register) -> None:
    assert to_add(register, given("caller-1"), domain_id=SANDBOX, file="a.yaml", skip_listed=True) == {}


def test_a_release_moves_within_the_file(register: Register) -> None:
    changes = to_release(register, given("caller-3", reason="r"), within=["a.yaml", "b.yaml"])
    assert list(changes) == ["b.yaml"]
    assert changes["b.yaml"].remove[0].speaker_id == "caller-3"
    assert to_release(register, given("caller-1", reason="r"), within=["b.yaml"]).keys() == {"b.yaml"}


def test_all_who_cannot_be_released_are_told_without_a_name(register: Register) -> None:
    with pytest.raises(Refused) as caught:
        to_release(register, given("caller-1", "caller-2", "nobody", reason="r"), within=["a.yaml", "b.yaml"])
    assert caught.value.problems == (
        "id 1 is listed in several domains, at a.yaml:2 and b.yaml:2: say which with --domain",
        "id 2: already released at a.yaml:3",
        "id 3 is not in the register",
    )
    with pytest.raises(Refused, match="id 1: released without a reason"):
        to_release(register, given("caller-1", reason=" "), within=["a.yaml"])


def test_adopting_takes_each_speaker_once_under_any_name(register: Register) -> None:
    names = [("caller-9", "id#9"), ("id#9",), ("caller-1", "id#1"), ("id#2", "caller-2")]
    new, known = to_adopt(register, names, domain_id=SANDBOX)
    assert ([person.speaker_id for person in new], known) == (["caller-9"], 3)
