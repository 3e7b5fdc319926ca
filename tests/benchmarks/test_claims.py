from dataclasses import replace

import pytest

from benchmarks.claims import CLAIMS
from benchmarks.judging import Verdict, ratio_of_costs, verdict
from tests.benchmarks.made import known, result
from tests.tables import each_row

LOAD = {"load": 0.5}  # seconds


def judged(name: str, *results: object) -> Verdict:
    found = verdict(CLAIMS[name], known(*results))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_nothing_is_claimed_without_a_measurement() -> None:
    assert all(verdict(claim, {}) is None for claim in CLAIMS.values())


def test_a_run_that_failed_breaks_its_claim() -> None:
    found = judged("register", result("register-full/load/100000/none", outcome="failed: no"))
    assert not found.holds
    assert "failed: no" in found.measured


@each_row(("cpu", "peak", "holds"), [(8.0, 300e6, True), (8.1, 1e6, False), (1.0, 301e6, False)])
def test_preview(cpu: float, peak: int, holds: bool) -> None:
    found = judged("preview-sharded", result("sharded/preview/100000/none", cpu=cpu, peak=peak, told=LOAD))
    assert found.holds is holds
    assert f"{cpu / 0.5:.1f} x the register alone" in found.measured


@each_row(
    ("claim", "cpu", "writes", "holds"),
    [
        ("add", 3.0, 1, True),
        ("add", 3.1, 1, False),
        ("add", 2.0, 2, False),
        ("apply", 3.5, 1, True),
        ("apply", 3.6, 1, False),
    ],
)
def test_one_added(claim: str, cpu: float, writes: int, holds: bool) -> None:
    unchanged = result("sharded/preview/100000/none", cpu=2.0, told=LOAD)
    added = result(f"sharded/{claim}/100000/none", cpu=cpu, calls={"OptOutSpeaker": writes}, told=LOAD)
    assert judged(f"{claim}-sharded", unchanged, added).holds is holds


@each_row(
    ("claim", "took", "holds"),
    [("help", 0.6, True), ("help", 0.61, False), ("preview", 3.5, True), ("preview", 3.6, False)],
)
def test_start_without_what_the_key_takes(claim: str, took: float, holds: bool) -> None:
    names = ("import-pulumi", "help", "preview")
    told = dict.fromkeys((*names, *(f"{name}-seconds" for name in names)), 1.0)
    found = judged(f"start-{claim}", result("turns/start/10/none", told={**told, claim: took, "key": 0.5}))
    assert found.holds is holds
    assert ("0.50 x for the key" in found.measured) is (claim == "preview")


def test_a_machine_that_has_become_slower_meanwhile_breaks_no_claim() -> None:
    unchanged = result("sharded/preview/100000/none", cpu=2.0, told=LOAD)
    added = result("sharded/add/100000/none", cpu=6.0, calls={"OptOutSpeaker": 1}, told={"load": 1.0})
    assert judged("add-sharded", unchanged, added).holds


@each_row(("cpu", "peak", "holds"), [(6.0, 300e6, True), (6.1, 1e6, False), (1.0, 301e6, False)])
def test_register(cpu: float, peak: int, holds: bool) -> None:
    told = {"cpu": cpu, "events": 2.0}
    assert judged("register", result("register-full/load/100000/none", peak=peak, told=told)).holds is holds


@each_row(("wall", "throttled", "holds"), [(63.0, 5, True), (63.1, 0, False), (60.0, 6, False)])
def test_quota(wall: float, throttled: int, holds: bool) -> None:
    counts = {"calls": {"OptOutSpeaker": 600}, "throttled": {"OptOutSpeaker": throttled}}
    assert judged("up-quota", result("sharded/up/600/aws", wall, **counts)).holds is holds


def test_writes_are_compared_from_the_first_to_the_last() -> None:
    raw = result("raw/up/100000/none", told={"seconds": 10.0})
    ours = result("sharded/up/100000/none", 200, told={"writes": 100_000, "write_seconds": 40.0})
    theirs = result("threads/up/100000/none", 90, told={"writes": 100_000, "write_seconds": 88.0})
    found = judged("writes", raw, ours, theirs)
    assert found.holds
    assert "2.20 x" in found.measured
    assert "10,000/s" in found.measured
    assert not judged("writes", raw, replace(ours, told={"writes": 100_000, "write_seconds": 44.1}), theirs).holds


def test_costs_of_a_person() -> None:
    # 1 s to start, 1 ms a person: less a person with the start, the same without it
    assert ratio_of_costs((1000, 2.0), (10_000, 11.0), 1.0) == pytest.approx((0.55, 1.0))


def test_growth_hidden_by_the_start_is_found() -> None:
    start, small, large = (
        result(f"single/preview/{n}/none", cpu=cpu) for n, cpu in ((10, 1), (1000, 2), (10_000, 16))
    )
    found = judged("each-single-preview", start, small, large)
    assert "0.80 x, start-up aside 1.50 x" in found.measured
    assert not found.holds


@each_row(("size", "exposed", "holds"), [(180, 0, True), (181, 0, False), (100, 1, False)])
def test_state(size: int, exposed: int, holds: bool) -> None:
    assert judged("state", result("sharded/up/100000/none", state=size * 100_000, exposed=exposed)).holds is holds
