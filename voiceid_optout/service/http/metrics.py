"""What the service counts, collected for Prometheus.

Counting is on the path of every request, so it is a list and an index; the client library gives the form, and is
loaded, when somebody asks.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

OK = "ok"
_LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)
_BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Histogram:
    """Counts of values by upper bound, the last one without, and their sum; for one thread."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def join(self, other: "Histogram") -> None:
        """Count what the other has counted."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def cumulative(self) -> list[tuple[str, float]]:
        """Return Prometheus' buckets: upper bound as text, and how many values are not above it."""
        names = [*(str(float(bound)) for bound in self.bounds), "+Inf"]  # as clients of other languages write them
        counts = [sum(self.counts[: place + 1]) for place in range(len(self.counts))]
        return list(zip(names, counts, strict=True))


class Metrics:
    """Requests by operation and outcome with their latency (from the event loop), and batches (from the writer)."""

    def __init__(self) -> None:
        self._requests: defaultdict[tuple[str, str], Histogram] = defaultdict(lambda: Histogram(_LATENCY))
        self.batches = Histogram(_BATCH)

    def count(self, operation: str, outcome: str, seconds: float) -> None:
        """Count one answer: ``outcome`` is ``ok`` or the error's code, ``seconds`` from its last byte in to now."""
        self._requests[operation, outcome].add(seconds)

    def families(self) -> "Iterable[Metric]":
        """Return what has been counted."""
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily  # noqa: PLC0415

        requests = CounterMetricFamily(
            "voiceid_requests", "Requests answered, by operation and outcome.", labels=["operation", "outcome"]
        )
        latency = HistogramMetricFamily(
            "voiceid_request_seconds", "Time from a request to its answer.", labels=["operation"]
        )
        by_operation: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(_LATENCY))
        for (operation, outcome), seen in sorted(self._requests.items()):
            requests.add_metric([operation, outcome], sum(seen.counts))
            by_operation[operation].join(seen)
        for operation, seen in by_operation.items():
            latency.add_metric([operation], seen.cumulative(), seen.total)
        batches = HistogramMetricFamily("voiceid_batch_requests", "Write requests that shared a transaction.")
        batches.add_metric([], self.batches.cumulative(), self.batches.total)
        return (requests, latency, batches)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The events that one sink has not got yet, and the age of the oldest in seconds (0 without any)."""

    count: int
    age: float


def exposition(metrics: Metrics, commits: int, connections: int, waiting: Mapping[str, Waiting]) -> bytes:
    """Return everything in Prometheus' text format; ``waiting`` is by sink."""
    from prometheus_client.exposition import generate_latest  # noqa: PLC0415
    from prometheus_client.registry import Collector, CollectorRegistry  # noqa: PLC0415

    class Fixed(Collector):
        def collect(self) -> "Iterable[Metric]":
            return [*metrics.families(), *_gauges(commits, connections, waiting)]

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Fixed())
    return generate_latest(registry)


def _gauges(committed: int, connected: int, waiting: Mapping[str, Waiting]) -> "Iterable[Metric]":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

    commits = CounterMetricFamily(
        "voiceid_commits", "Write transactions committed; requests in flight share them.", value=committed
    )
    connections = GaugeMetricFamily("voiceid_connections", "Open connections.", value=connected)
    count = GaugeMetricFamily("voiceid_events_waiting", "Events not delivered yet, by sink.", labels=["sink"])
    age = GaugeMetricFamily(
        "voiceid_events_oldest_seconds", "Age of the oldest event not delivered yet, by sink.", labels=["sink"]
    )
    for sink, state in waiting.items():
        count.add_metric([sink], state.count)
        age.add_metric([sink], state.age)
    return (commits, connections, count, age)
