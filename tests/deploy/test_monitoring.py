"""The alarms and the dashboard: every expression is one, and every metric in them is in the answer of a service."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.service.events.sinks import webhook
from tests.service.running import Service, child
from voiceid_optout.service.http.metrics import OK

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "monitoring"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
PANELS: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))["panels"]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [one["expr"] for panel in PANELS for one in panel["targets"]]
ELSEWHERE = {
    "up",
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
}  # of Prometheus and the node exporter


def selectors(expression: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the metrics of an expression, each with what its labels are matched with."""
    promql = pytest.importorskip("promql_parser", reason="an older environment; run make .venv/.dev")

    def walk(node: Any) -> Iterator[Any]:
        if isinstance(node, promql.VectorSelector):
            yield node
        for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
            if (inner := getattr(node, name, None)) is not None:
                yield from walk(inner)
        for inner in getattr(node, "args", None) or ():
            yield from walk(inner)

    for found in walk(promql.parse(expression)):
        yield found.name, {matcher.name: matcher.value for matcher in found.matchers.matchers}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the metrics of a service that has worked, refused and has events to deliver, with their labels."""
    folder = tmp_path_factory.mktemp("monitored")
    secret = folder / "secret"
    secret.write_text("s" * 32, encoding="utf-8")
    secret.chmod(0o600)
    with webhook() as hook:
        hook.statuses[:] = [503]
        options = ("--admin-port", "0", "--test-hooks", "--events-webhook", hook.url)
        with child(folder / "data", *options, "--events-webhook-secret", f"file:{secret}") as service:
            return asked(service)


def asked(service: Service) -> dict[str, set[str]]:
    domain = service.new_domain()
    service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-000001")
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(service.admin("/metrics")[1]):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_expression_names_metrics_and_labels_that_a_service_has(samples: dict[str, set[str]]) -> None:
    seen = set()
    for expression in EXPRESSIONS:
        for name, labels in selectors(expression):
            seen.add(name)
            assert name in ELSEWHERE or name in samples, f"{name} in {expression}"
            assert name in ELSEWHERE or set(labels) <= samples[name], expression
    assert {
        "up",
        "voiceid_requests_total",
        "voiceid_request_seconds_bucket",
        "voiceid_events_oldest_seconds",
    } <= seen


def test_every_metric_of_the_service_is_on_the_dashboard(samples: dict[str, set[str]]) -> None:
    shown = {name for panel in PANELS for one in panel["targets"] for name, _ in selectors(one["expr"])}
    families = {re.sub(r"_(?:total|bucket|sum|count|created)$", "", name) for name in samples}
    assert families <= {re.sub(r"_(?:total|bucket|sum|count)$", "", name) for name in shown}


def test_an_expression_that_is_none_or_names_what_is_not_there_is_noticed(samples: dict[str, set[str]]) -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        list(selectors("sum(rate(voiceid_requests_total[5m])"))
    assert [name for name, _ in selectors("rate(voiceid_request_total[5m])")] == ["voiceid_request_total"]
    assert "voiceid_request_total" not in samples


def test_operations_and_outcomes_are_real_ones() -> None:
    from voiceid_optout.model import MODEL_ROOT

    models = "".join(path.read_text(encoding="utf-8") for path in MODEL_ROOT.rglob("*.json"))
    others = {OK, "InvalidSignatureException", "UnrecognizedClientException", "InternalServerException"}
    for expression in EXPRESSIONS:
        for _, labels in selectors(expression):
            for value in labels.get("operation", "").split("|") + labels.get("outcome", "").split("|"):
                assert not value or value in others or f'"{value}"' in models, value


def test_every_alarm_leads_to_its_section_of_the_runbook_and_stands_there() -> None:
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)
    }
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page == "{{ $externalLabels.optout_docs }}/runbook.html"
        assert anchor in anchors
        assert f"`{rule['alert']}`" in RUNBOOK
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"page", "ticket"}
    named = set(re.findall(r"`(Voiceid[A-Za-z]+)`", RUNBOOK))
    assert named == {rule["alert"] for rule in RULES}


def test_the_dashboard_is_one_that_grafana_can_import() -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    assert dashboard["uid"]
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS]
    assert len(set(places)) == len(places)
    for panel in PANELS:
        assert panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["fieldConfig"]["defaults"]["unit"]
