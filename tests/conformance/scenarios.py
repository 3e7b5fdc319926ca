"""The list of scenarios; each group is a module of its own."""

from __future__ import annotations

from tests.conformance import (
    scenarios_deletes,
    scenarios_failures,
    scenarios_names,
    scenarios_options,
    scenarios_reads,
    scenarios_scope,
    scenarios_secrets,
    scenarios_steps,
)

GROUPS = {
    "Steps": scenarios_steps.SCENARIOS,
    "Reads and drift": scenarios_reads.SCENARIOS,
    "Deletes": scenarios_deletes.SCENARIOS,
    "Failures": scenarios_failures.SCENARIOS,
    "Names": scenarios_names.SCENARIOS,
    "Secrets and config": scenarios_secrets.SCENARIOS,
    "Options": scenarios_options.SCENARIOS,
    "Scope": scenarios_scope.SCENARIOS,
}
SCENARIOS = {scenario.name: scenario for group in GROUPS.values() for scenario in group}
