from prometheus_client.parser import text_string_to_metric_families

from voiceid_optout.service.http.metrics import Histogram, Metrics, Waiting, exposition


def samples(metrics: Metrics, **waiting: Waiting) -> dict[tuple[str, tuple[str, ...]], float]:
    text = exposition(metrics, 7, 3, waiting).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_and_their_latency() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.004, 0.004, 30.0):
        metrics.count("OptOutSpeaker", "ok", seconds)
    metrics.count("OptOutSpeaker", "ThrottlingException", 0.0001)
    found = samples(metrics)
    assert found["voiceid_requests_total", ("OptOutSpeaker", "ok")] == 4
    assert found["voiceid_requests_total", ("OptOutSpeaker", "ThrottlingException")] == 1
    assert found["voiceid_request_seconds_bucket", ("0.001", "OptOutSpeaker")] == 2
    assert found["voiceid_request_seconds_bucket", ("0.005", "OptOutSpeaker")] == 4
    assert found["voiceid_request_seconds_bucket", ("5.0", "OptOutSpeaker")] == 4
    assert found["voiceid_request_seconds_bucket", ("+Inf", "OptOutSpeaker")] == 5
    assert found["voiceid_request_seconds_count", ("OptOutSpeaker",)] == 5
    assert abs(found["voiceid_request_seconds_sum", ("OptOutSpeaker",)] - 30.0086) < 1e-9


def test_batches_and_what_is_read_when_asked() -> None:
    metrics = Metrics()
    for size in (1, 1, 64, 600):
        metrics.batches.add(size)
    found = samples(metrics, webhook=Waiting(12, 3.5))
    assert found["voiceid_batch_requests_bucket", ("1.0",)] == 2
    assert found["voiceid_batch_requests_bucket", ("64.0",)] == 3
    assert found["voiceid_batch_requests_count", ()] == 4
    assert found["voiceid_batch_requests_sum", ()] == 666
    assert found["voiceid_commits_total", ()] == 7
    assert found["voiceid_connections", ()] == 3
    assert found["voiceid_events_waiting", ("webhook",)] == 12
    assert found["voiceid_events_oldest_seconds", ("webhook",)] == 3.5


def test_a_bound_belongs_to_its_bucket() -> None:
    histogram = Histogram((1, 2))
    for value in (1, 1.5, 2, 2.5):
        histogram.add(value)
    assert histogram.cumulative() == [("1.0", 1), ("2.0", 3), ("+Inf", 4)]
