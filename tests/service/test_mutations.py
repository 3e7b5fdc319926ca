"""Mutated requests against the real service: no 500, no hang, no growth, and every error well formed.

The same seed makes the same requests again, up to ids that the service gives at random.
"""

import statistics
from pathlib import Path

from tests import torture
from tests.service.batch import enrolment, enrolments, registration, registrations
from tests.service.mutation_run import run
from tests.service.mutations import DOMAINS, SECRET, Known, mutant
from tests.service.running import child

WITNESS = {"DomainId": "witness" + "0" * 15, "SpeakerId": "witness-1"}
GROWTH_KIB = 24 * 1024


def test_the_same_seed_makes_the_same_requests() -> None:
    assert [mutant("a", n, Known()) for n in range(50)] == [mutant("a", n, Known()) for n in range(50)]
    assert mutant("a", 1, Known()) != mutant("b", 1, Known())


def test_no_mutant_harms_the_service(tmp_path: Path) -> None:
    attack(tmp_path, torture.budget("requests"))


def test_no_mutant_harms_a_service_on_postgresql(tmp_path: Path, database_url: str) -> None:
    """What its database refuses is another matter than what SQLite does."""
    attack(tmp_path, torture.budget("requests-postgresql"), "--database", database_url)


def attack(folder: Path, budget: torture.Budget, *more: str) -> None:
    """Send mutants to a new service and see what is left of it."""
    seed, count = str(budget.seed), budget.count
    objects = folder / "objects"
    (objects / "input").mkdir(parents=True)
    people = [enrolment(f"r{number}", f"{SECRET}-{number}") for number in range(40)]
    fraud = [registration(f"r{number}") for number in range(5)]
    (objects / "input" / "people.json").write_bytes(enrolments(people))
    (objects / "input" / "fraud.json").write_bytes(registrations(fraud))
    options = [option for domain in (*DOMAINS, WITNESS["DomainId"]) for option in ("--domain", domain)]
    with child(folder / "data", *options, "--objects", str(objects), *more) as service:
        client = service.client()
        client.opt_out_speaker(**WITNESS)
        report = run(service, seed, count)
        print(f"\nseed {seed}: {count} mutants")
        print("  levels  ", dict(report.levels.most_common()))
        print("  answers ", dict(report.outcomes.most_common()))
        print("  RSS MiB ", [kib // 1024 for kib in report.memory])
        assert report.faults == []
        assert sum(report.outcomes.values()) == count
        assert report.outcomes["200"] > count / 20, "too few calls got through to change anything"
        found = client.describe_speaker(**WITNESS)["Speaker"]
        assert found["Status"] == "OPTED_OUT"
        assert service.admin("/healthz")[0] == 200
        settled = report.memory[len(report.memory) // 4 :]
        half = len(settled) // 2
        growth = statistics.median(settled[half:]) - statistics.median(settled[:half])
        assert growth < GROWTH_KIB, f"memory grew by {growth} KiB"
    budget.record(mutants=count, accepted=report.outcomes["200"], faults=0)
