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

    def text(self) -> str:
        lines = [
            "# HELP voiceid_requests_total Requests answered, by operation and outcome.",
            "# TYPE voiceid_requests_total counter",
        ]
        lines += [
            f'voiceid_requests_total{{operation="{operation}",outcome="{outcome}"}} {count}'
            for (operation, outcome), count in sorted(self._requests.items())
        ]
        return "\n".join(lines) + "\n"
