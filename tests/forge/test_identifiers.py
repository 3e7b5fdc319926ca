import base64
import random
import time
from collections.abc import Callable

import pytest

from tests.tables import each_row
from voiceid_optout.forge import IdentifierInText
from voiceid_optout.forge.identifiers import Matcher, parts_of

GENERATED = "id#AbCdEfGhIjKlMnOpQrStUv"
PHONE = "00491701234567"
PEOPLE = (
    "caller-000017",
    GENERATED,
    PHONE,
    "AB1234",
    "maria-schmidt",
    "schmidt",
    "4711",
    "123456",
    "a_b",
    "q",
)
PLACES = {identifier: f"config/people.yaml:{line}" for line, identifier in enumerate(PEOPLE, 3)}
DRESSES = [
    "{}",
    "| opt out | {} | new |",
    "`{}`",
    "_{}_",
    "**{}**",
    "<td>{}</td>",
    '"speaker_id": "{}"',
    "({}).",
    "ticket_{}",
    "mail of {}-mail",
    "PRIV-{}",
    "sp-{}-old",
]
GLUED = ["x{}", "{}x", "ticket{}and more", "https://crm.example.org/p{}?x=y", "sp-2357877d05320d78{}"]


def split(sign: str) -> Callable[[str], str]:
    return sign.join


WRITTEN: list[Callable[[str], str]] = [
    str.upper,
    str.lower,
    split("\u200b"),
    split("\u00ad"),
    split("\u2060"),
    split("\ufe0f"),
    split("\u034f"),
    split("\x01"),
    split("\\u200b"),
    split("&shy;"),
    split("&#8203;"),
    lambda text: "".join(f"&#{ord(char)};" for char in text),
    lambda text: "".join(f"%{ord(char):02X}" for char in text),
    lambda text: "".join(chr(ord(char) + 0xFEE0) for char in text),  # full width
    lambda text: text.replace("-", "\\-").replace("#", "\\#").replace("_", "\\_"),
    lambda text: text.replace("-", "\u2011"),
]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(PLACES)


@each_row("dress", DRESSES)
@each_row("identifier", PEOPLE)
def test_an_identifier_is_masked_between_others(matcher: Matcher, identifier: str, dress: str) -> None:
    assert matcher.masked(dress.format(identifier)) == dress.format("…")


@each_row("dress", DRESSES + GLUED)
@each_row("identifier", PEOPLE[:5])
def test_what_chance_does_not_write_is_masked_and_refused_inside_words_too(
    matcher: Matcher, identifier: str, dress: str
) -> None:
    assert matcher.masked(dress.format(identifier)) == dress.format("…")
    with pytest.raises(IdentifierInText) as caught:
        matcher.check(f"# Plan\n{dress.format(identifier)}\n")
    assert f"line 2 of the text carries the identifier of {PLACES[identifier]}:" in str(caught.value)
    assert identifier not in str(caught.value)


@each_row("written", WRITTEN)
@each_row("identifier", PEOPLE[:5])
def test_however_it_is_written(matcher: Matcher, identifier: str, written: Callable[[str], str]) -> None:
    text = f"see {written(identifier)}, please"
    assert matcher.masked(text) == "see …, please"
    with pytest.raises(IdentifierInText):
        matcher.check(text)


@each_row("number", ["0049 170 1234567", "0049-170/1234567", "0049 (170) 123.45.67"])
def test_a_number_in_groups_is_the_number(matcher: Matcher, number: str) -> None:
    assert matcher.masked(f"called from {number} again") == "called from … again"
    with pytest.raises(IdentifierInText, match=PLACES[PHONE]):
        matcher.check(f"called from {number} again")


def test_a_generated_identifier_is_refused_whoever_it_is(matcher: Matcher) -> None:
    text = "x id#0123456789abcdefghijkl y"
    assert matcher.masked(text) == "x … y"
    with pytest.raises(IdentifierInText, match="the identifier of a speaker"):
        matcher.check(text)
    assert matcher.masked("without its sign: AbCdEfGhIjKlMnOpQrStUv") == "without its sign: …"


@each_row(
    "text",
    [
        "sp-2357877d05320d78 config/people.yaml:17 new",
        "Digest: 3f2a91c0d7e4b5a600491701234567ff",
        "id#AbCdEfGhIjKlMnOpQrStU",
        "Schmidts, blacksmith, schmidtchen",
        "47110 people, 14711 more, 1234567",
        "AB123, B1234",
        "_" * 5_000,
        "&amp; \\* 100 % %zz &nosuchname;",
        "",
    ],
)
def test_what_is_none_is_left_alone(matcher: Matcher, text: str) -> None:
    assert matcher.masked(text) == text
    matcher.check(text)


def test_a_check_overlooks_what_stands_in_every_plan(matcher: Matcher) -> None:
    matcher.check("| q | a_b | 4711 people | config/people.yaml:123456 |")
    with pytest.raises(IdentifierInText, match=PLACES["schmidt"]):
        matcher.check("Ms Schmidt called")


def test_short_ones_leave_a_text_readable() -> None:
    said = "a customer asked again in a letter, see 4711 and 47"
    assert Matcher({"a": "", "4711": ""}).masked(said) == "… customer asked again in … letter, see … and 47"


def test_labels_and_digests_hide_nobody_but_as_a_whole() -> None:
    digits = "0123456789abcdef" * 2
    hexadecimal = Matcher({digits: "config/people.yaml:3", "23456789": "config/people.yaml:4"})
    assert hexadecimal.masked(f"commit {digits} sp-0123456789abcdef") == "commit … sp-0123456789abcdef"
    assert hexadecimal.masked("but ticket_23456789") == "but ticket_…"


def test_identifiers_within_each_other_are_masked_whole() -> None:
    nested = Matcher(dict.fromkeys(("caller-1", "caller-12", "caller-1234", "r-1234567"), ""))
    assert nested.masked("caller-12345 caller-123 xcaller-1234567x caller-1 caller-") == "…5 …3 x…x … caller-"


def test_what_is_found_is_among_the_parts_of_the_text() -> None:
    for identifier in PEOPLE:
        for dress in DRESSES:
            for text in (dress.format(identifier), dress.format(identifier.upper()), dress.format("Käthe")):
                if Matcher({identifier: ""}).masked(text) != text:
                    assert identifier.lower() in parts_of(text), text


def test_nothing_is_known_of_nobody() -> None:
    assert Matcher({}).masked("caller-000017") == "caller-000017"
    Matcher({}).check("caller-000017")


def test_against_the_plain_search() -> None:
    """The same spans as looking for each identifier in turn, on texts made of their pieces."""
    dice = random.Random(7)
    people = {"".join(dice.choices("ab1-", k=dice.randrange(8, 14))).strip("-") for _ in range(400)}
    people = {identifier for identifier in people if len(identifier) >= 8 and "1" in identifier}
    matcher = Matcher(dict.fromkeys(people, ""))
    for _ in range(200):
        text = "".join(dice.choices([*people, "a", "b", "1", "-", " "], k=6))
        hidden = [False] * len(text)
        for identifier in people:
            start = text.find(identifier)
            while start >= 0:
                hidden[start : start + len(identifier)] = [True] * len(identifier)
                start = text.find(identifier, start + 1)
        masked = matcher.masked(text)
        assert masked.replace("…", "") == "".join(char for char, gone in zip(text, hidden, strict=True) if not gone)


def _seconds(matcher: Matcher, text: str) -> float:
    start = time.process_time()
    matcher.masked(text)
    return time.process_time() - start


@pytest.mark.costly
def test_a_large_register_and_a_large_text_are_one_pass() -> None:
    """Ratios of processor time within one run: four times the text takes about four times as long."""
    places = {f"customer-{number:06}": f"config/people.yaml:{number}" for number in range(100_000)}
    places |= {"ab" * length: "" for length in range(6, 128)}  # each the beginning of the next
    matcher = Matcher(places)
    row = "| opt out | sp-00000000{:08x} | config/people.yaml:{} | {} |\n"
    noise = base64.b64encode(b"x" * 60).decode()
    hostile = ["".join(row.format(n, n, noise) for n in range(500)), "ab" * 10_000, "a_" * 10_000, "&#97;" * 5_000]
    for text in hostile:
        assert _seconds(matcher, text * 4) < 16 * max(_seconds(matcher, text), 0.01)
    with pytest.raises(IdentifierInText, match=r"line 501 of the text carries .*people\.yaml:99999"):
        matcher.check(f"{hostile[0]}{'a_' * 30_000}customer-099999")
