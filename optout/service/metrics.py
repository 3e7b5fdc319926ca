"""Counts by operation and outcome, in Prometheus' text format."""

from collections import Counter

OK = "ok"


class Metrics:
    """Counts of answered requests; used from the event loop only."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str]] = Counter()

    def count(self, operation: str, outcome: str) -> None:
        """Count one answer: ``outcome`` is ``ok`` or the error's code."""
        self._requests[operation, outcome] += 1

    def text(self, commits: int) -> str:
        """Return the exposition; ``commits`` counts the database's write transactions."""
        lines = [
            "# HELP voiceid_requests_total Requests answered, by operation and outcome.",
            "# TYPE voiceid_requests_total counter",
        ]
        lines += [
            f'voiceid_requests_total{{operation="{operation}",outcome="{outcome}"}} {count}'
            for (operation, outcome), count in sorted(self._requests.items())
        ]
        lines += [
            "# HELP voiceid_commits_total Write transactions committed; requests in flight share them.",
            "# TYPE voiceid_commits_total counter",
            f"voiceid_commits_total {commits}",
        ]
        return "\n".join(lines) + "\n"
