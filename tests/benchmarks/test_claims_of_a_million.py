from benchmarks.claims import CLAIMS
from benchmarks.judging import Verdict, verdict
from tests.benchmarks.made import known, result
from tests.tables import each_row


def judged(name: str, *results: object) -> Verdict:
    found = verdict(CLAIMS[name], known(*results))  # type: ignore[arg-type]
    assert found is not None
    return found


@each_row(("cpu", "peak", "holds"), [(4.5, 600e6, True), (4.6, 1e6, False), (1.0, 601e6, False)])
def test_a_register_is_held_against_the_events_of_the_parser(cpu: float, peak: int, holds: bool) -> None:
    found = judged(
        "load-bare-million", result("register-bare/load/1000000/none", told={"cpu": cpu, "events": 1.5}, peak=peak)
    )
    assert found.holds is holds
    assert f"{cpu / 1.5:.2f} x" in found.measured


@each_row(
    ("name", "cpu", "holds"), [("edit-add", 3.0, True), ("edit-add", 3.1, False), ("edit-release", 3.1, False)]
)
def test_an_edit_is_held_against_a_check(name: str, cpu: float, holds: bool) -> None:
    told = {"validate": 2.0, "add": 1.0, "release": 1.0, name.removeprefix("edit-"): cpu}
    told |= {f"{command}-seconds": 9.0 for command in ("validate", "add", "release")}
    assert judged(f"{name}-million", result("turns/edit/1000000/none", told=told)).holds is holds


@each_row(
    ("phase", "cpu", "writes", "holds"),
    [
        ("preview", 12.0, 0, True),
        ("preview", 12.1, 0, False),
        ("preview", 12.0, 1, False),
        ("add", 16.0, 1, True),
        ("add", 16.1, 1, False),
        ("add", 16.0, 0, False),
    ],
)
def test_a_run_is_held_against_the_register_alone(phase: str, cpu: float, writes: int, holds: bool) -> None:
    calls = {"OptOutSpeaker": writes} if writes else {}
    ran = result(f"sharded/{phase}/1000000/none", cpu=cpu, calls=calls, told={"load": 4.0})
    cli = result(f"sharded-cli/{phase}/1000000/none", 70.0, cpu=2 * cpu)
    found = judged(f"{phase}-million", ran, cli)
    assert found.holds is holds
    assert "Pulumi CLI 70.0 s" in found.measured
    assert "2.00 x" in found.measured


@each_row(("cpu", "service", "holds"), [(20.0, 10.0, True), (20.1, 10.0, False), (10.0, 20.1, False)])
def test_a_refresh_is_held_against_its_pages(cpu: float, service: float, holds: bool) -> None:
    raw = result("raw/refresh/1000000/none", told={"cpu": 1.0, "service": 9.0, "seconds": 11.0})
    assert (
        judged("refresh-million", result("sharded/refresh/1000000/none", cpu=cpu, service=service), raw).holds
        is holds
    )


def test_a_first_run_is_held_against_threads_in_line_with_fewer_people_or_as_measured() -> None:
    ours = result("sharded/up/1000000/none", 400.0, told={"writes": 1_000_000, "write_seconds": 350.0})
    fewer = [result("threads/up/10000/none", 8.0), result("threads/up/100000/none", 80.0)]
    found = judged("up-million", ours, *fewer)
    assert "800 s (in line with 10,000 and 100,000): 2.00 x" in found.measured
    assert found.holds
    measured = judged("up-million", ours, *fewer, result("threads/up/1000000/none", 799.0))
    assert "799 s (measured)" in measured.measured
    assert not measured.holds


@each_row(("phase", "peak", "holds"), [("preview", 900e6, True), ("preview", 901e6, False), ("up", 1.2e9, True)])
def test_memory(phase: str, peak: int, holds: bool) -> None:
    assert judged(f"memory-{phase}-million", result(f"sharded/{phase}/1000000/none", peak=peak)).holds is holds


def test_what_a_run_did_not_tell_breaks_its_claim_and_no_page() -> None:
    found = judged("load-bare-million", result("register-bare/load/1000000/none", told={"cpu": 4.0}))
    assert not found.holds
    assert "did not tell 'events'" in found.measured
