from benchmarks.tables import Tables, judged, table
from tests.benchmarks.made import known, result

TOOLS = frozenset({"pulumi"})


def test_table_is_markdown() -> None:
    assert table(["", "10"], [["loop", "1 s"]]) == "|  | 10 |\n| --- | --- |\n| loop | 1 s |"


def test_times_have_ratios_failures_and_reasons() -> None:
    text = Tables(
        [
            result("sharded/up/10/none", 2.0, cpu=1.5),
            result("loop/up/10/none", 0.5),
            result("loop/up/1000/none", 50.0),
            result("textbook/up/1000/none", outcome="failed: RecursionError at resource 320"),
            result("sharded/up/10000/none", 9.0),
        ],
        (10, 1000, 10_000),
        300,
        TOOLS,
    ).all()
    assert (
        "| optout, sharded, embedded engine | 2.00 s (1.5) · 1.00 x | *not measured* | 9.00 s (9.0) · 1.00 x |"
        in text
    )
    assert "| boto3 in a loop | 0.50 s (0.5) · 0.25 x | 50.00 s (50.0) | *about 8 min, estimated* |" in text
    assert "failed: RecursionError at resource 320 | *fails with fewer people* |" in text


def test_calls_name_what_was_refused() -> None:
    one = result("loop/up/300/aws", calls={"OptOutSpeaker": 1300}, throttled={"OptOutSpeaker": 1000})
    text = Tables([one], (300,), 300, TOOLS).all()
    assert "| boto3 in a loop | First up | 300 | 1,300 OptOutSpeaker (1,000) |" in text


def test_the_service_has_a_table_of_its_largest_domain() -> None:
    told = {"hold_one": 1.24, "hold_more": 18.6}
    for name, rate in (("write", 9000), ("page", 1234)):
        told |= {f"{name}_rate": rate, f"{name}_p50": 2.04, f"{name}_p99": 9.0}
        told |= {f"{name}_service": 90.2, f"{name}_database": 40, f"{name}_load": 10}
    keys = ("service-sqlite-1/serve/1000000/none", "service-postgres-2/serve/1000000/none")
    small = result("service-postgres-2/serve/20000/none", told=told)
    text = Tables([small, *(result(key, peak=80_000_000, told=told) for key in keys)], (10,), 300, TOOLS).all()
    row = (
        "1,000,000 | 9,000 | 2.0, 9.0 ms | 90 + 40 + 10 µs | 1.2 ms, 19 µs more | 1,234 | 2.0, 9.0 ms |"
        " 90 + 40 + 10 µs | 80 MB |"
    )
    assert f"| the service on SQLite | {row}\n| two processes on PostgreSQL | {row}" in text
    assert "20,000" not in text
    names = ("processes", "acknowledged", "missing", "refused_joining", "refused", "most", "longest")
    joined = result(keys[1], told=told | {f"join_{name}": number for number, name in enumerate(names, 3)})
    assert "3 processes joined" in Tables([joined], (10,), 300, TOOLS).all()
    assert "## Service" not in Tables([result("loop/up/10/none")], (10,), 300, TOOLS).all()


def test_claims_are_judged_or_open() -> None:
    text = judged(known(result("sharded/preview/100000/none", 5.0, told={"load": 0.25})))
    assert "5.0 s (5.0 cpu s), 0 MB; 20.0 x the register alone | 125% | **no** |" in text
    assert "| not measured |  |  |" in text
