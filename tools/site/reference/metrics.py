"""The service's metrics, from what it would tell Prometheus after one request."""

from prometheus_client.parser import text_string_to_metric_families

from tools.site.reference.tables import code, table
from voiceid_optout.service.http.metrics import OK, Metrics, Waiting, exposition

_HEAD = """# Metrics

`GET /metrics` on the service's admin port (`optout serve --admin-port PORT`) answers in Prometheus' text format.
No label carries an identifier of a person.
"""
_OF_FORM = {"le"}  # a histogram's own


def metrics_page() -> str:
    """Return one table of names, kinds, labels and meanings."""
    metrics = Metrics()
    metrics.count("OptOutSpeaker", OK, 0.001)
    metrics.batches.add(1)
    text = exposition(metrics, 1, 1, {"jsonl": Waiting(0, 0)}).decode()
    rows = []
    for family in text_string_to_metric_families(text):
        labels = sorted({label for sample in family.samples for label in sample.labels} - _OF_FORM)
        name = f"{family.name}_total" if family.type == "counter" else family.name
        rows.append((code(name), family.type, ", ".join(map(code, labels)), family.documentation))
    return f"{_HEAD}\n{table(('metric', 'type', 'labels', 'means'), rows)}\n"
