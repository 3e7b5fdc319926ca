import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from tests.register.conftest import FILES
from tests.register.yaml12 import read_as_editor
from tests.tables import each_row
from voiceid_optout.register.document import read_document
from voiceid_optout.register.events import Events
from voiceid_optout.register.faults import ABOUT, Level, RegisterInvalid
from voiceid_optout.register.fields import (
    FILE_KEYS,
    PLAIN_ID,
    SPEAKER_ID,
    SPEAKERS,
    build_schema,
    is_ambiguous,
    is_null,
    is_number_or_boolean,
    parse_date,
    schema_text,
    suggest,
)
from voiceid_optout.register.sources import Source, read


@each_row("word", ["", "~", "null", "NULL"])
def test_nothing(word: str) -> None:
    assert is_null(word)
    assert not is_number_or_boolean(word)


@each_row("word", ["0017", "-1", "0o17", "0x1F", "1.5", ".5", "1e5", "1.", "-.inf", ".NaN", "true"])
def test_numbers_and_booleans(word: str) -> None:
    assert is_number_or_boolean(word)


@each_row("word", ["yes", "Off", "1_000", "0b1", "12:30:00", "2026-03-02", "<<", "="])
def test_ambiguous(word: str) -> None:
    assert is_ambiguous(word)
    assert not is_number_or_boolean(word)


@each_row("word", ["caller-000017", "0017a", "1e", "yy", "nul", "truely", "id#0", "-", "."])
def test_text(word: str) -> None:
    assert not is_null(word)
    assert not is_number_or_boolean(word)
    assert not is_ambiguous(word)


def test_dates() -> None:
    assert parse_date("2024-02-29") == date(2024, 2, 29)
    assert parse_date("2026-02-29") is None


@each_row(
    ("key", "meant"),
    [
        ("Id", "id"),
        ("requested", "requested_on"),
        ("requestedOn", "requested_on"),
        ("reasons", "reason"),
        ("tiket", "ticket"),
    ],
)
def test_the_nearest_key_is_named(key: str, meant: str) -> None:
    assert suggest(key, SPEAKERS.by_name) == f"unknown key: did you mean '{meant}'?"


def test_a_key_of_another_level() -> None:
    assert suggest("domain", SPEAKERS.by_name) == "'domain' belongs at the top of the file: check the indentation"
    assert suggest("id", FILE_KEYS) == "'id' belongs in an entry: check the indentation"


def test_a_key_that_may_be_a_person_is_not_named() -> None:
    assert suggest("caller-000017", FILE_KEYS) == "unknown key; known here: domain, speakers, released"
    assert len(suggest("x" * 1_000_000, FILE_KEYS)) < 100


PROJECT = Path(__file__).parents[2]
CHECKED_IN = PROJECT / "config" / "optouts.schema.json"


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """JSON Schema's patterns are ECMAScript's, where ``$`` is the very end and not before a line feed."""
    if isinstance(instance, str) and not re.search(pattern.removesuffix("$") + r"\Z", instance):
        yield ValidationError("does not match")


VALIDATOR = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern}
)(build_schema(), format_checker=FormatChecker())


def loader_accepts(data: bytes) -> bool | None:
    """The loader's verdict on the document's structure; None if it is not judged as a document."""
    levels = {ABOUT[fault.code].level for fault in read_document(Events(data, "f")).faults}
    return None if Level.YAML in levels else Level.DOCUMENT not in levels


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(build_schema())


def test_the_schema_checked_in_is_fresh() -> None:
    stale = "config/optouts.schema.json is stale; run: optout validate --print-schema > config/optouts.schema.json"
    assert CHECKED_IN.read_text(encoding="utf-8") == schema_text(), stale
    assert json.loads(schema_text()) == build_schema()


@each_row("path", FILES)
def test_both_say_the_same_about_every_fixture(path: Path) -> None:
    try:
        data = read(Source(path, "f", path.parent))
    except RegisterInvalid:
        return  # no text, so nothing a schema could judge
    verdict = loader_accepts(data)
    if verdict is not None:
        assert VALIDATOR.is_valid(read_as_editor(data)) is verdict


# --- generated documents -------------------------------------------------------------------------------------

_ids = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,30}|id#[a-zA-Z0-9]{22}", fullmatch=True)
_prose = st.text(min_size=1, max_size=40)
_days = st.dates().map(str)
_junk_text = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", " ", "\t\u00a0", "\x1b", "\x85", "a\n", "2026-02-30", "2026-03-02\n", "id#short", "é", "-a"]
    ),
    st.sampled_from(["x" * 256, "x" * 257, "r" * 1024, "r" * 1025, "\u2028", "\ufeff", "🙂" * 300, "a b"]),
)
_junk: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), _junk_text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_junk_text, inner, max_size=3)),
    max_leaves=6,
)


def _mostly(good: st.SearchStrategy[Any], bad: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Documents with few faults: those with many are refused by anything."""
    return st.integers(0, 19).flatmap(lambda dice: bad if dice == 0 else good)


def _mapping(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    whole = st.fixed_dictionaries(
        {name: _mostly(good, _junk) for name, good in required.items()},
        optional={name: _mostly(good, _junk) for name, good in optional.items()},
    )
    lacking = whole.flatmap(
        lambda doc: st.sampled_from([{k: v for k, v in doc.items() if k != name} for name in doc or [""]])
    )
    with_more = st.tuples(whole, st.dictionaries(_junk_text, _junk, min_size=1, max_size=1)).map(
        lambda two: two[0] | two[1]
    )
    return _mostly(whole, st.one_of(lacking, with_more))


_evidence = {"requested_on": _days, "ticket": _prose}
_speaker = st.one_of(_ids, _mapping({"id": _ids}, {**_evidence, "reason": _prose}))
_released = _mapping({"id": _ids, "reason": _prose}, _evidence)
_speakers = st.lists(_mostly(_speaker, _junk), max_size=4)
_documents = st.one_of(
    _speakers,
    _mapping(
        {"speakers": _speakers},
        {
            "domain": st.sampled_from(["sandbox", "0" * 22]),
            "released": st.lists(_mostly(_released, st.one_of(_ids, _junk)), max_size=3),
        },
    ),
    _mapping({"released": st.lists(_released, max_size=2)}, {"domain": _prose}),
    _junk,
)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


@settings(max_examples=5 * settings().max_examples)
@given(_documents)
@example(["a\n"])
@example({"speakers": [], "domain": "2026-03-02"})
@example({"released": ["a"]})
@example([{"id": "a", "requested_on": "2026-02-29"}])
def test_both_say_the_same_about_any_document(document: Any) -> None:
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False)
    verdict = loader_accepts(text.encode())
    if verdict is not None:
        assert VALIDATOR.is_valid(read_as_editor(text)) is verdict, text


_SURE = [SPEAKER_ID, *(each.rule for each in SPEAKERS.fields if each.rule.prose)]


@given(st.data())
def test_what_a_rule_is_sure_of_is_text_for_every_reader(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(_SURE))
    assert rule.sure is not None
    text = data.draw(st.from_regex(rule.sure, fullmatch=True))
    assert replace(rule, sure=None).problem(text, plain=data.draw(st.booleans())) is None


@each_row(
    "text", ["true", "yes", "y", "null", "-caller", "1e-5", "2026-03-02", "a-b\n", "a" * 257, "a-é", "a-\x7f"]
)
def test_no_rule_is_sure_of_what_a_reader_may_take_for_something_else(text: str) -> None:
    assert not any(rule.sure and rule.sure.fullmatch(text) for rule in _SURE)


def test_a_generated_id_is_no_plain_id() -> None:
    assert not PLAIN_ID.fullmatch("id#a-b")
