"""Real processes join a real PostgreSQL database, and one leaves it, while opt-outs arrive."""

from pathlib import Path

import pytest

from benchmarks.people import DOMAIN
from benchmarks.service_joining import EACH, Joined, join
from tests.service.cluster import binaries, cluster


def test_who_opts_out_while_processes_join_and_leave_is_neither_lost_nor_kept_waiting(tmp_path: Path) -> None:
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL's server is not installed")
    with cluster(found) as server:
        joined = join(tmp_path, DOMAIN, ["--database", server.new_database(), "--domain", DOMAIN], 3)
    print(joined.told())
    assert joined.processes == 3
    assert joined.missing == []
    assert len(joined.acknowledged) >= 3 * EACH
    assert joined.while_joining == 0
    # The one that leaves closes its connections, and the repetition finds another process: no client that waits
    # less than a second before it repeats a call is refused for longer.
    assert max(joined.refusals, default=0) <= 1


def test_what_was_lost_or_refused_is_told() -> None:
    joined = Joined({"a": "id#1", "b": "id#2"}, [1, 3], [0.25, 0.5], ["b"], 2, 1)
    told = {"processes": 2, "acknowledged": 2, "missing": 1, "refused_joining": 1}
    assert joined.told() == told | {"refused": 2, "most": 3, "longest": 500.0}
