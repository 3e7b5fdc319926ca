import pytest

from voiceid_optout.forge.errors import IdentifierInText
from voiceid_optout.forge.identifiers import check

PLACES = {
    "caller-000017": "config/people.yaml:3",
    "id#AbCdEfGhIjKlMnOpQrStUv": "config/people.yaml:4",
    "_never": "config/people.yaml:5",
    "4711": "config/people.yaml:6",
    "a_b": "config/people.yaml:7",
    "49123456789": "config/people.yaml:8",
}


@pytest.mark.parametrize(
    "text",
    [
        "caller-000017",
        "| opt out | caller-000017 | new |",
        "`caller-000017`",
        "_caller-000017_",
        "**caller-000017**",
        "caller\\-000017",
        "caller&#45;000017",
        "<td>caller-000017</td>",
        '"speaker_id": "caller-000017"',
        "sp-caller-000017-old",
        "user_caller-000017",
        "(id#AbCdEfGhIjKlMnOpQrStUv)",
        "+49123456789.",
    ],
)
def test_an_identifier_is_found_in_any_dress(text: str) -> None:
    with pytest.raises(IdentifierInText) as caught:
        check(f"# Plan\n{text}\n", PLACES)
    assert str(caught.value).startswith("line 2 of the text carries the identifier of config/people.yaml:")
    assert not any(id_ in str(caught.value) for id_ in PLACES)


@pytest.mark.parametrize(
    "text",
    [
        "sp-2357877d05320d78 config/people.yaml:17 new",
        "caller-0000171",
        "xcaller-000017",
        "4711 people",
        "a_b",
        "id#AbCdEfGhIjKlMnOpQrStU",
        "_" * 5_000,
        "",
    ],
)
def test_what_is_none_is_let_through(text: str) -> None:
    check(text, PLACES)


def test_a_large_register_and_a_large_text_are_one_pass() -> None:
    places = {f"customer-{number:06}": f"config/people.yaml:{number}" for number in range(100_000)}
    text = "\n".join(
        f"| opt out | sp-{number:016x} | config/people.yaml:{number} | new |" for number in range(1_000)
    )
    check(text, places)
    with pytest.raises(IdentifierInText, match=r"line 1001 of the text carries .*people\.yaml:99999"):
        check(f"{text}\n{'a_' * 30_000}customer-099999", places)
