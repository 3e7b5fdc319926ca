"""Secret inputs and outputs, and what configure() gets."""

from __future__ import annotations

from tests.conformance.scenario import THREE, Scenario, destroy, drift, preview, refresh, up

TOKEN = "sample:token:\n  secure: v1:oQIxDYwa5oylRGSj:Jbr+B536fsjRUGK7ih/dqXjvVJ1cTQ==\n"
SECRET = {"s0": {"secret": True}}
EVERY_TYPE = """\
sample:greeting: hello
sample:n: 42
sample:f: 1.50
sample:t: true
sample:list:
- a
- b
sample:map:
  k: v
other:key: x
"""
NUMBERS = "".join(
    f"sample:k{number:02}: {text}\n"
    for number, text in enumerate((
        "-0.0", "-0", "[-0.0, 0]", "010", "0777_7", "0o17", "0x1_F", "-0x1F", "0b101", "1_000", "1__0", "-1_0.5",
        "1e3_0", "0.1e-7", "1e+3", ".5e1", "1.", "12345678901234567890", "18446744073709551616",
        "-9223372036854775809", "[12345678901234567890, 1_000, ~, 1e3]", "123456789.123456789",
        "0xFFFFFFFFFFFFFFFFF",
    ))
)  # fmt: skip

SCENARIOS = (
    Scenario(
        name="secret-input",
        about="Encrypted in inputs and outputs, decrypted for the provider.",
        start=(),
        turns=(
            preview(wants=SECRET),
            up(),
            up(),
            drift(),
            refresh(),
            up(wants={"s0": {"secret": True, "val": "b"}}),
            destroy(),
        ),
    ),
    Scenario(
        name="secret-drift",
        about="An output beside a secret changes at a read.",
        start=(up(wants=SECRET),),
        turns=(up(drift={"id-s0-a": "OFF"}, refresh=True), refresh(drift={"id-s0-a": "OFF"})),
    ),
    Scenario(
        name="secret-comes-and-goes",
        about="The same value turns secret, then plain.",
        turns=(
            up(wants={**THREE, "s0": {"secret": True}}),
            refresh(),
            up(wants=THREE),
            up(wants={**THREE, "s0": {"val": "b"}}),
        ),
    ),
    Scenario(
        name="secret-deep",
        about="Secrets inside maps and lists.",
        start=(),
        turns=(
            up(
                wants={
                    "s0": {
                        "more_secret": {"m": {"k": [1, 2]}, "l": ["x"], "n": 5, "t": True},
                        "more": {"plain": {"k": "v"}},
                    }
                }
            ),
            refresh(),
            up(),
        ),
    ),
    Scenario(
        name="additional-secret-outputs",
        about="An output is secret because the program says so.",
        start=(),
        turns=(
            up(wants={"s0": {"additional_secret_outputs": ["status"]}}),
            refresh(),
            refresh(drift={"id-s0-a": "OFF"}),
            up(),
            up(wants={"s0": {}}),
        ),
    ),
    Scenario(
        name="additional-secret-outputs-come-late",
        about="The option comes to a resource that exists.",
        turns=(up(wants={**THREE, "s0": {"additional_secret_outputs": ["status"]}}), refresh()),
    ),
    Scenario(
        name="secret-output-of-another",
        about="A value taken from a secret output is a secret input.",
        start=(),
        ordered=True,
        turns=(up(wants={"s0": {"additional_secret_outputs": ["status"]}, "s1": {"val_from": "s0"}}), up()),
    ),
    Scenario(
        name="config",
        about="configure() gets all config as texts, objects as JSON; the state keeps it.",
        start=(),
        turns=(
            up(
                wants={"s0": {}},
                config=EVERY_TYPE,
            ),
            up(),
            destroy(),
        ),
    ),
    Scenario(
        name="config-changes",
        about="A change of config alone changes nothing but the provider's entry.",
        turns=(preview(config="sample:greeting: bye\n"), up(), up(), up(config="")),
    ),
    Scenario(
        name="config-numbers",
        about="Numbers in every way that YAML writes them.",
        start=(),
        turns=(up(wants={"s0": {}}, config=NUMBERS),),
    ),
    Scenario(
        name="config-short-keys",
        about="A key without a prefix is the project's.",
        start=(),
        turns=(
            up(wants={"s0": {}}, config="greeting: short\nother:greeting: x\n" + TOKEN.removeprefix("sample:")),
            up(),
        ),
    ),
    Scenario(
        name="config-secret",
        about="A secret of the config is decrypted for configure() and encrypted in the state.",
        start=(),
        turns=(up(wants={"s0": {}}, config="sample:greeting: hello\n" + TOKEN), up(), drift(), destroy()),
    ),
    Scenario(
        name="no-config",
        about="A stack without config.",
        start=(),
        turns=(up(wants={"s0": {}}, config=""), drift(), up()),
    ),
)
