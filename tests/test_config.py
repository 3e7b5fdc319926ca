"""The settings of a stack: what is known, what is refused, and that the docs list them all."""

import math
import re
from pathlib import Path
from typing import Any

import pytest

from tests.tables import each_row
from voiceid_optout import config
from voiceid_optout.config import KEYS, PREFIX, Key, Kind, faults, value_of

DOCS = Path(__file__).parents[1] / "docs"
DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
EVERYTHING: dict[str, Any] = {
    "register": "people",
    "domain": "main",
    "domains": {"main": DOMAIN},
    "endpoint": "https://voiceid.example.org",
    "region": "eu-central-1",
    "quotas": {"optOut": 10, "describe": 10.5, "delete": 10, "list": 5},
    "grouping": "sharded",
    "shards": "4096",
    "guard": {"maxLosses": 1, "maxLossPercent": 2, "percentFromLosses": 3},
    "labelKey": {"secure": "v1:abc"},
    "reportKey": {"secure": "v1:abc"},
    "reportPublicKeys": f"{'a' * 64} {'0' * 64}",
    "service": "embedded",
    "guardrails": True,
    "guardrailSettings": {"account": "123456789012", "tags": {"team": "privacy"}},
}


def said(given: dict[str, Any], project: str = PREFIX) -> list[str]:
    return list(faults(given, project))


def under(project: str, given: dict[str, Any]) -> dict[str, Any]:
    return {f"{project}:{name}": value for name, value in given.items()}


@pytest.mark.parametrize("project", [PREFIX, "opt-outs"])
def test_every_setting_is_known_under_the_project_s_name(project: str) -> None:
    assert said(under(project, EVERYTHING), project) == []
    assert said(EVERYTHING, project) == []  # the Pulumi CLI puts the name before


def test_other_namespaces_are_left_alone() -> None:
    assert said({"aws:regoin": "x", "aws:region": 1, "pulumi:tags": {}, "mine:gaurd": 1}) == []


@each_row(
    ("name", "meant"),
    [
        *[("gaurd", "guard"), ("qoutas", "quotas"), ("label_key", "labelKey"), ("Domains", "domains")],
        *[("guard.maxLosses", "guard"), ("endpiont", "endpoint"), ("guardrailsettings", "guardrailSettings")],
    ],
)
def test_the_setting_that_was_meant_is_named(name: str, meant: str) -> None:
    assert said(under(PREFIX, {name: "x"})) == [f"{PREFIX}:{name} is no setting: did you mean {meant}?"]
    assert said({name: "x"}) == [f"{name} is no setting: did you mean {meant}?"]


def test_what_resembles_nothing_gets_the_whole_list() -> None:
    (line,) = said({f"{PREFIX}:zzzz": 1})
    known = f"known are {', '.join(KEYS)}; a key of your own program goes under a name of its own"
    assert line == f"{PREFIX}:zzzz is no setting: {known}"


def test_a_hostile_key_is_shown_short_and_on_one_line() -> None:
    (line,) = said({f"{PREFIX}:a\nb\x1b[31m{'c' * 500}": 1})
    assert "\n" not in line
    assert "\x1b" not in line
    assert "c" * 100 not in line


@each_row(
    ("name", "given", "problem"),
    [
        ("guard", {"maxLoses": 1}, "has the unknown key maxLoses: did you mean maxLosses?"),
        ("guard", '{"max_losses": 1}', "has the unknown key max_losses: did you mean maxLosses?"),
        ("quotas", {"optout": 1}, "has the unknown key optout: did you mean optOut?"),
        ("quotas", {"x": 1}, "has the unknown key x: known are optOut, describe, delete, list"),
        ("guardrailSettings", {"acount": "1"}, "has the unknown key acount: did you mean account?"),
        *[("guard", given, "is not an object") for given in ("off", 5, [1], "{no json", "[1]")],
        *[
            ("domains", given, "is not an object of aliases and domain ids, each id in quotes")
            for given in (["a"], "a", {"a": 22}, {"a": None}, '{"a": 1}')
        ],
        *[("domain", given, "is not a text: put it in quotes") for given in (12, True, ["a"], {"a": "b"})],
        ("labelKey", 12, "is not a text: put it in quotes"),
        *[
            ("reportPublicKeys", given, "is not public keys of 64 hexadecimal digits, with a blank between them")
            for given in (
                "",
                "a" * 63,
                "A" * 64,
                f"{'a' * 64}  {'b' * 64}",
                f"{'a' * 64}\n",
                int("1" * 64),
                ["a" * 64],
            )
        ],
        ("reportPublicKeys", {"secure": "v1:x"}, "is needed in clear: set it without --secret"),
        ("endpoint", {"secure": "v1:x"}, "is needed in clear: set it without --secret"),
        ("domains", {"a": {"secure": "v1:x"}}, "is needed in clear: set it without --secret"),
        *[
            ("quotas", {"list": given}, "needs a positive number of calls a second for list")
            for given in (0, -1, True, "many", None, math.inf, math.nan)
        ],
        *[
            ("guard", {"maxLosses": given}, "needs a whole number from 0 on for maxLosses, without quotes")
            for given in ("3", -1, 1.5, True, None)
        ],
        *[
            ("guard", {"maxLossPercent": given}, "needs a number from 0 to 100 for maxLossPercent, without quotes")
            for given in (101, -0.1, math.nan, "30 %", True)
        ],
        ("grouping", "Sharded", "is single or sharded, nothing else"),
        ("shards", 300, "is 256 or 4096, nothing else"),
        ("service", "docker", "is embedded, nothing else"),
        ("guardrails", "yes", "is false or true or only, nothing else"),
    ],
)
def test_values_of_another_kind(name: str, given: Any, problem: str) -> None:
    assert said({f"{PREFIX}:{name}": given}) == [f"{PREFIX}:{name} {problem}"]


@pytest.mark.parametrize(
    ("given", "fits"), [(True, True), (False, True), ("true", True), ("yes", False), (1, False), ("", False)]
)
def test_a_switch_is_true_or_false(monkeypatch: pytest.MonkeyPatch, given: Any, *, fits: bool) -> None:
    monkeypatch.setattr(config, "KEYS", {"loud": Key("loud", Kind.SWITCH)})
    assert said({"loud": given}) == ([] if fits else ["loud is true or false, nothing else"])


@each_row("prefix", [PREFIX, "voiceid-optouts", "opt-out", "opt-outs:config"])
def test_a_setting_under_another_project_s_name_is_a_slip(prefix: str) -> None:
    (line,) = said({f"{prefix}:guard": {"maxLosses": 1}}, "opt-outs")
    assert line == f"{prefix}:guard is no setting of the project opt-outs: did you mean opt-outs:guard?"


def test_values_are_never_shown() -> None:
    given = {"guard": "caller-1", "domains": ["caller-1"], "domain": ["caller-1"], "grouping": "caller-1"}
    assert "caller-1" not in "".join(said(under(PREFIX, given)))


@each_row(
    ("given", "meant"),
    [(None, None), ("a", "a"), (3, 3), ('{"a": 1}', {"a": 1}), ('["a"]', ["a"]), ("{no json", "{no json")],
)
def test_objects_may_be_json_text(given: Any, meant: Any) -> None:
    assert value_of(given) == meant


@pytest.mark.parametrize("text", ['{"secure": "x"}', '["a"]'])
def test_a_text_that_looks_like_an_object_stays_a_text(text: str) -> None:
    found = config.read({"labelKey": text, "register": text}, PREFIX)
    assert (found.label_key, found.register, found.sealed) == (text, text, frozenset())


def test_the_docs_list_every_setting_and_no_other() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8").partition("## Variables")[0]
    rows = {found[1]: found[0] for found in re.finditer(r"(?m)^\| `(\w+)` \|.*$", text)}
    assert list(rows) == list(KEYS)
    for key in KEYS.values():
        page = (DOCS / "aws.md").read_text(encoding="utf-8") if key.name == "guardrailSettings" else rows[key.name]
        assert [name for name in key.names if f"`{name}`" not in page] == []
