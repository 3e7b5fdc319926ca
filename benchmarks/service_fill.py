"""People in the service's database without calls: ``python -m benchmarks.service_fill FOLDER PEOPLE``.

The folder is the data of a service that has stopped and has the domain, empty.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from benchmarks.people import DOMAIN
from voiceid_optout.service.db.database import open_database

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SERIES = {
    "sqlite": "WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < :count)"
    " SELECT n FROM series",
    "postgresql": "SELECT n FROM generate_series(1, CAST(:count AS int)) AS series (n)",
}
_PADDED = {
    "sqlite": "printf('%0{0}d', n - 1)",
    "postgresql": "repeat('0', greatest(0, {0} - length(CAST(n - 1 AS text)))) || CAST(n - 1 AS text)",
}


def fill(connection: Connection, count: int) -> None:
    """Insert so many of :func:`benchmarks.people.speaker_id`, and bring the planner's statistics up to date."""
    dialect = connection.dialect.name
    padded = _PADDED[dialect]
    connection.execute(
        text(
            "INSERT INTO speakers (domain_id, customer_id, generated_id, status, created_at, updated_at)"
            f" SELECT :domain, 'caller-' || {padded.format(6)}, 'id#' || {padded.format(22)}"
            ", 'OPTED_OUT', :now, :now"
            f" FROM ({_SERIES[dialect]}) AS numbers"
        ),
        {"domain": DOMAIN, "count": count, "now": time.time()},
    )
    connection.execute(
        text("UPDATE domains SET speaker_count = :count WHERE domain_id = :domain"),
        {"domain": DOMAIN, "count": count},
    )
    connection.execute(text("ANALYZE"))


def main(folder: Path, count: int) -> None:
    """Fill the SQLite database of a folder."""
    database = open_database(folder, None)
    try:
        with database.writer.begin() as connection:
            fill(connection, count)
    finally:
        database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
