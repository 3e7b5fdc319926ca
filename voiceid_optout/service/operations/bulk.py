"""Statements for many people at once, each of one text whatever their number.

They carry the load of opt-outs: the database parses each once, and a batch costs the same few steps as one request.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, text

_COLUMNS = (
    "sequence, domain_id, customer_id, generated_id, status, created_at, updated_at, last_accessed_at, opted_out_by"
)
_FIND_TEXT = {
    "sqlite": "SELECT {columns} FROM speakers WHERE domain_id = :domain"
    " AND {id} IN (SELECT value FROM json_each(:names))",
    # Looked up name by name. Left to itself PostgreSQL reads the whole domain, until it has found out how large it
    # is.
    "postgresql": "SELECT {columns} FROM unnest(CAST(:names AS varchar[])) AS given (name) CROSS JOIN LATERAL"
    " (SELECT * FROM speakers WHERE domain_id = :domain AND {id} = given.name LIMIT 1) AS speaker",
}
_PEOPLE = {
    "sqlite": "SELECT json_extract(value, '$[0]') AS customer_id, json_extract(value, '$[1]') AS generated_id,"
    " json_extract(value, '$[2]') AS opted_out_by FROM json_each(:people)",
    "postgresql": "SELECT * FROM unnest(CAST(:names AS varchar[]), CAST(:generated AS varchar[]),"
    " CAST(:marks AS varchar[])) AS person (customer_id, generated_id, opted_out_by)",
}


_FIND = {
    (dialect, column): text(statement.format(columns=_COLUMNS, id=column))
    for dialect, statement in _FIND_TEXT.items()
    for column in ("customer_id", "generated_id")
}
_INSERT = {
    dialect: text(
        "INSERT INTO speakers "  # noqa: S608  texts of our own
        "(domain_id, customer_id, generated_id, status, created_at, updated_at, opted_out_by) "
        f"SELECT :domain, customer_id, generated_id, :status, :now, :now, opted_out_by FROM ({people}) AS people"
    )
    for dialect, people in _PEOPLE.items()
}
_GROW = text("UPDATE domains SET speaker_count = speaker_count + :by WHERE domain_id = :domain")


def find_speakers(
    connection: Connection, domain_id: str, column: str, names: Collection[str]
) -> list[dict[str, Any]]:
    """Return the rows of the domain whose ``column`` (``customer_id`` or ``generated_id``) is among ``names``."""
    dialect = connection.dialect.name
    given: Any = json.dumps(list(names)) if dialect == "sqlite" else list(names)
    found = connection.execute(_FIND[dialect, column], {"domain": domain_id, "names": given})
    return [dict(row) for row in found.mappings()]


def insert_speakers(
    connection: Connection,
    domain_id: str,
    people: Sequence[tuple[str, str, str | None]],
    status: str,
    now: float,
) -> None:
    """Insert new speakers, in this order: customer id, generated id, mark; their domain's count stays."""
    dialect = connection.dialect.name
    common = {"domain": domain_id, "status": str(status), "now": now}
    if dialect == "sqlite":
        connection.execute(_INSERT[dialect], {**common, "people": json.dumps(people)})
    else:
        names, generated, marks = map(list, zip(*people, strict=True))
        connection.execute(_INSERT[dialect], {**common, "names": names, "generated": generated, "marks": marks})


def grow(connection: Connection, domain_id: str, by: int) -> None:
    """Keep the domain's count of speakers in step with its rows."""
    connection.execute(_GROW, {"domain": domain_id, "by": by})
