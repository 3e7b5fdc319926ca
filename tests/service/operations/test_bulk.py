"""The statements of a batch, in both databases."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from voiceid_optout.service.db.database import open_database
from voiceid_optout.service.operations import bulk

DOMAIN, OTHER = "a" * 22, "b" * 22


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    url = request.getfixturevalue("database_url") if request.param == "PostgreSQL" else None
    database = open_database(tmp_path, url)
    with database.writer.begin() as connection:
        yield connection
    database.close()


def people(*numbers: int) -> list[tuple[str, str, str | None]]:
    return [(f"caller-{number}", f"id#{number:022}", f"mark-{number}") for number in numbers]


def test_people_are_inserted_in_the_order_given_and_found_by_either_id(connection: Connection) -> None:
    bulk.insert_speakers(connection, DOMAIN, people(3, 1, 2), "OPTED_OUT", 1_800_000_000.125)
    bulk.insert_speakers(connection, OTHER, people(1), "OPTED_OUT", 1.0)
    rows = bulk.find_speakers(connection, DOMAIN, "customer_id", ["caller-1", "caller-3", "caller-9"])
    assert [row["customer_id"] for row in sorted(rows, key=lambda row: row["sequence"])] == ["caller-3", "caller-1"]
    assert (
        rows[0].items()
        >= {
            "domain_id": DOMAIN,
            "status": "OPTED_OUT",
            "created_at": 1_800_000_000.125,
            "updated_at": 1_800_000_000.125,
            "last_accessed_at": None,
            "opted_out_by": "mark-1",
        }.items()
    )
    (found,) = bulk.find_speakers(connection, DOMAIN, "generated_id", [f"id#{2:022}"])
    assert found["customer_id"] == "caller-2"


@pytest.mark.parametrize("column", ["customer_id", "generated_id"])
@pytest.mark.parametrize("analyzed", [True, False])
def test_the_search_uses_the_index_also_while_the_planner_knows_nothing(
    connection: Connection, column: str, analyzed: bool
) -> None:
    bulk.insert_speakers(connection, DOMAIN, people(*range(5000)), "OPTED_OUT", 1.0)
    if analyzed:
        connection.execute(text("ANALYZE"))
    sqlite = connection.dialect.name == "sqlite"
    names: Any = json.dumps(["caller-7"] * 64) if sqlite else ["caller-7"] * 64
    explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
    statement = text(explain + bulk._FIND[connection.dialect.name, column].text)
    plan = "\n".join(str(row) for row in connection.execute(statement, {"domain": DOMAIN, "names": names}))
    assert "SCAN speakers" not in plan
    assert "Seq Scan" not in plan
    index = f"(domain_id=? AND {column}=?)" if sqlite else f"speakers_domain_id_{column}_key"
    assert index in plan


def test_the_count_of_a_domain_is_kept(connection: Connection) -> None:
    connection.execute(
        text(
            "INSERT INTO domains (domain_id, name, status, kms_key_id, default_watchlist_id, speaker_count,"
            " created_at, updated_at) VALUES (:domain, 'sales', 'ACTIVE', 'k', 'w', 5, 1, 1)"
        ),
        {"domain": DOMAIN},
    )
    bulk.grow(connection, DOMAIN, 3)
    bulk.grow(connection, DOMAIN, -1)
    assert connection.scalar(text("SELECT speaker_count FROM domains")) == 7
