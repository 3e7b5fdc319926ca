from collections.abc import Iterable
from operator import attrgetter

from tests.providers.monitor import SHARD_TYPE, TYPE, Monitor, run_program
from voiceid_optout import shard
from voiceid_optout.providers.declaration import Person, declared
from voiceid_optout.providers.stack_config import Grouping

DOMAIN, OTHER = "UcUuCPFOsAjzg9xoByUatN", "BcUuCPFOsAjzg9xoByUatN"
A, B, C = "sp-a700000000000001", "sp-a700000000000002", "sp-b800000000000001"


def declare(people: Iterable[Person], grouping: Grouping) -> Monitor:
    return run_program(lambda: list(declared(people, grouping)) and None)


def person(label: str, domain_id: str = DOMAIN, ensure: str = "opted_out") -> Person:
    return Person(label, domain_id, f"planted-{label[-1]}", ensure)


def test_one_resource_a_person() -> None:
    requests = declare([person(B), person(A, ensure="released")], Grouping.SINGLE).requests
    assert sorted((request.type, request.name, request.object["ensure"]) for request in requests) == [
        (TYPE, A, "released"),
        (TYPE, B, "opted_out"),
    ]


def test_one_resource_a_shard_of_a_domain_and_none_without_people() -> None:
    people = [person(C), person(B), person(A, ensure="released"), person(A, OTHER)]
    requests = sorted(declare(people, Grouping.SHARDED).requests, key=attrgetter("name"))
    assert [(request.type, request.name, request.object["domain_id"]) for request in requests] == [
        (SHARD_TYPE, f"{OTHER}-a7", OTHER),
        (SHARD_TYPE, f"{DOMAIN}-a7", DOMAIN),
        (SHARD_TYPE, f"{DOMAIN}-b8", DOMAIN),
    ]
    assert shard.values(requests[1].object["members"]) == {A: "released", B: "opted_out"}
    assert shard.values(requests[1].object["speaker_ids"]["value"]) == {A: "planted-1", B: "planted-2"}


def test_resources_are_declared_as_they_are_asked_for() -> None:
    asked: list[str] = []

    def people() -> Iterable[Person]:
        for label in (A, B, C):
            asked.append(label)
            yield person(label)

    run_program(lambda: next(declared(people(), Grouping.SINGLE)) and None)
    assert asked == [A]


def test_the_identifier_is_not_in_repr() -> None:
    assert "planted" not in repr(person(A))
