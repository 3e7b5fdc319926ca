"""Statements for many people at once, each of one text whatever their number.

They carry the load of opt-outs: the database parses each once, and a batch costs the same few steps as one request.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, TextClause, text

_COLUMNS = "sequence, domain_id, customer_id, generated_id, status, created_at, updated_at, last_accessed_at"
_AMONG = {
    "sqlite": "(SELECT value FROM json_each(:names))",
    # As an array its length is known when the plan is made, so that the index is used.
    "postgresql": "ANY (CAST(:names AS varchar[]))",
}
_PAIRS = {
    "sqlite": "SELECT json_extract(value, '$[0]') AS customer_id, json_extract(value, '$[1]') AS generated_id"
    " FROM json_each(:pairs)",
    "postgresql": "SELECT * FROM unnest(CAST(:names AS varchar[]), CAST(:generated AS varchar[]))"
    " AS pair (customer_id, generated_id)",
}


def _find(dialect: str, column: str) -> TextClause:
    among = f"IN {_AMONG[dialect]}" if dialect == "sqlite" else f"= {_AMONG[dialect]}"
    return text(f"SELECT {_COLUMNS} FROM speakers WHERE domain_id = :domain AND {column} {among}")  # noqa: S608


_IDS = ("customer_id", "generated_id")
_FIND = {(dialect, column): _find(dialect, column) for dialect in _AMONG for column in _IDS}
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
