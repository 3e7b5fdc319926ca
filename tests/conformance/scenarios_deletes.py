"""What leaves: removed from the program, retained, protected, destroyed."""

from __future__ import annotations

from tests.conformance.scenario import THREE, Scenario, destroy, drift, own_words, preview, refresh, up

CHAIN = {"s0": {}, "s1": {"depends_on": ["s0"]}, "s2": {"depends_on": ["s1"]}}
RETAINED = {name: {"retain_on_delete": True} for name in THREE}
PROTECTED = {**THREE, "s1": {"protect": True}}

SCENARIOS = (
    Scenario(
        name="removed", about="No longer declared: deleted.", turns=(preview(wants={"s0": {}}), up(), preview())
    ),
    Scenario(
        name="removed-and-retained",
        about="No longer declared, retained: forgotten without a call.",
        start=(up(wants=RETAINED),),
        turns=(preview(wants={"s0": {"retain_on_delete": True}}), up(refresh=True), preview()),
    ),
    Scenario(
        name="retained-too-late",
        about="Retention that the state does not know yet has no effect.",
        turns=(
            up(wants={"s0": {"retain_on_delete": True}, "s1": {"retain_on_delete": True}}),
            up(wants={"s0": {}}),
        ),
    ),
    Scenario(
        name="all-removed",
        about="The last one is removed, and the default provider's entry with it.",
        turns=(preview(wants={}), up(wants={}), up()),
    ),
    Scenario(
        name="removed-chain",
        about="Users are deleted before what they use.",
        start=(up(wants=CHAIN),),
        ordered=True,
        turns=(preview(wants={}), up(wants={})),
    ),
    Scenario(
        name="removed-protected",
        about="A protected resource is not deleted; the others are.",
        start=(up(wants=PROTECTED),),
        turns=(preview(wants={"s0": {}}), up(wants={"s0": {}})),
        allowed=own_words("1 preview", "2 up"),
    ),
    Scenario(
        name="removed-protected-chain",
        about="Users of a protected resource are deleted; what it uses is not.",
        start=(up(wants={"s0": {}, "s1": {"depends_on": ["s0"], "protect": True}, "s2": {"depends_on": ["s1"]}}),),
        ordered=True,
        turns=(preview(wants={}), up()),
        allowed=own_words("1 preview", "2 up"),
    ),
    Scenario(
        name="protect-comes-and-goes",
        about="Protection is an option in the state: given, taken, then the delete.",
        turns=(up(wants=PROTECTED), preview(wants=PROTECTED), up(wants=THREE), up(wants={"s0": {}, "s2": {}})),
    ),
    Scenario(
        name="replace-protected",
        about="A protected one is not replaced.",
        start=(up(wants={"s1": {"protect": True}}),),
        turns=(
            preview(
                wants={"s1": {"val": "b", "protect": True}},
                faults={"diff:s1": {"answer": {"changes": True, "replaces": ["val"]}}},
            ),
            up(faults={"diff:s1": {"answer": {"changes": True, "replaces": ["val"]}}}),
        ),
        allowed=own_words("1 preview", "2 up"),
    ),
    Scenario(
        name="destroy",
        about="Everything is deleted, the stack's own entries last.",
        turns=(destroy(), destroy(), up()),
    ),
    Scenario(
        name="destroy-chain",
        about="Users before what they use.",
        start=(up(wants=CHAIN),),
        ordered=True,
        turns=(destroy(),),
    ),
    Scenario(
        name="destroy-retained",
        about="Everything is forgotten, nothing is called.",
        start=(up(wants=RETAINED),),
        turns=(destroy(),),
    ),
    Scenario(
        name="destroy-protected",
        about="A protected one stops it.",
        start=(up(wants=PROTECTED),),
        turns=(destroy(),),
        allowed=own_words("1 destroy"),
    ),
    Scenario(
        name="destroy-of-targets",
        about="Only named resources are removed.",
        turns=(destroy(targets=("s1",)), destroy()),
    ),
    Scenario(
        name="destroy-targets-with-dependents",
        about="A named resource has users that are not named: refused.",
        start=(up(wants=CHAIN),),
        turns=(destroy(targets=("s1",)),),
        allowed=own_words("1 destroy"),
    ),
    Scenario(
        name="destroy-nothing", about="A stack without resources.", start=(), turns=(destroy(), refresh(), drift())
    ),
)
