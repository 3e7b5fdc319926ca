"""Statements for many people at once, each of one text whatever their number.

They carry the load of opt-outs: the database parses each once, and a batch costs the same few steps as one request.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, text

_COLUMNS = "sequence, domain_id, customer_id, generated_id, status, created_at, updated_at, last_accessed_at"
_FIND_TEXT = {
    "sqlite": "SELECT {columns} FROM speakers WHERE domain_id = :domain"
    " AND {id} IN (SELECT value FROM json_each(:names))",
    # Looked up name by name. Left to itself PostgreSQL reads the whole domain, until it has found out how large it
    # is.
    "postgresql": "SELECT {columns} FROM unnest(CAST(:names AS varchar[])) AS given (name) CROSS JOIN LATERAL"
    " (SELECT * FROM speakers WHERE domain_id = :domain AND {id} = given.name LIMIT 1) AS speaker",
}
_PAIRS = {
    "sqlite": "SELECT json_extract(value, '$[0]') AS customer_id, json_extract(value, '$[1]') AS generated_id"
    " FROM json_each(:pairs)",
    "postgresql": "SELECT * FROM unnest(CAST(:names AS varchar[]), CAST(:generated AS varchar[]))"
    " AS pair (customer_id, generated_id)",
}


_FIND = {
    (dialect, column): text(statement.format(columns=_COLUMNS, id=column))
    for dialect, statement in _FIND_TEXT.items()
    for column in ("customer_id", "generated_id")
}
_INSERT = {
    dialect: text(
        "INSERT INTO speakers (domain_id, customer_id, generated_id, status, created_at, updated_at) "  # noqa: S608
        f"SELECT :domain, customer_id, generated_id, :status, :now, :now FROM ({pairs}) AS pairs"
    )
    for dialect, pairs in _PAIRS.items()
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
    connection: Connection, domain_id: str, pairs: Sequence[tuple[str, str]], status: str, now: float
) -> None:
    """Insert new speakers, given by customer id and generated id, in that order; their domain's count stays."""
    dialect = connection.dialect.name
    common = {"domain": domain_id, "status": str(status), "now": now}
    if dialect == "sqlite":
        connection.execute(_INSERT[dialect], {**common, "pairs": json.dumps(pairs)})
    else:
        names, generated = map(list, zip(*pairs, strict=True))
        connection.execute(_INSERT[dialect], {**common, "names": names, "generated": generated})


def grow(connection: Connection, domain_id: str, by: int) -> None:
    """Keep the domain's count of speakers in step with its rows."""
    connection.execute(_GROW, {"domain": domain_id, "by": by})
