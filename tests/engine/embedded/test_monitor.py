"""What a program may ask of the engine, asked by real programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pulumi.runtime.proto import callback_pb2, resource_pb2

from tests.engine.bench import urn
from tests.tables import each_row
from voiceid_optout.engine.embedded.monitor import Monitor
from voiceid_optout.engine.interface import Result
from voiceid_optout.state import OutOfScopeError

if TYPE_CHECKING:
    from tests.engine.bench import Bench

STACK = urn("sample-dev", "pulumi:pulumi:Stack")


def add(bench: Bench, text: str) -> None:
    program = (bench.root / "__main__.py").read_text(encoding="utf-8")
    bench.write("__main__.py", f"{program}\n{text}\n")


def test_what_a_program_logs_is_said_but_for_debugging(settled: Bench) -> None:
    add(settled, "pulumi.log.debug('deep')\npulumi.log.info('by the way')\n"
                 "pulumi.log.warn('take care', made['s0'])\npulumi.log.error('bad news')")  # fmt: skip
    ran = settled.up()
    assert ran.ok  # as with the CLI: what is only logged does not fail a run
    said = {
        event["diagnosticEvent"]["message"]: (
            event["diagnosticEvent"]["severity"],
            event["diagnosticEvent"].get("urn"),
        )
        for event in ran.events
        if "diagnosticEvent" in event
    }
    assert said == {"by the way": ("info", None), "take care": ("warning", urn("s0")), "bad news": ("error", None)}


@pytest.mark.parametrize("operation", ["up", "preview"])
def test_what_a_program_learns_of_its_deployment(settled: Bench, operation: str) -> None:
    add(settled, """
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.settings import get_monitor
monitor = get_monitor()
info = monitor.GetDeploymentInfo(empty_pb2.Empty())
print(info.project, info.stack, info.organization, info.dryRun, info.parallel)
for name in ("secrets", "deletedWith", "resourceReferences", "resourceHooks", "transforms", "outputValues"):
    print(name, monitor.SupportsFeature(resource_pb2.SupportsFeatureRequest(id=name)).hasSupport)
monitor.SetRootResource(engine_pb2.SetRootResourceRequest(urn="urn:root"))
print(monitor.GetRootResource(engine_pb2.GetRootResourceRequest()).urn)
""")  # fmt: skip
    ran = settled.run(operation, parallel=3)
    assert ran.ok
    assert ran.said("info").splitlines() == [
        f"sample dev organization {operation == 'preview'} 3",
        "secrets True",
        "deletedWith True",
        "resourceReferences True",
        "resourceHooks True",
        "transforms True",
        "outputValues False",
        "urn:root",
    ]


def test_outputs_reach_the_program_secret_ones_as_such(bench: Bench) -> None:
    bench.want(s0={"additional_secret_outputs": ["status"]}, s1={"val_from": "s0"})
    assert bench.up().ok
    assert bench.things()["s1"].id == "id-s1-ON"
    assert bench.document() is not None
    text = bench.backend.state_file.read_text(encoding="utf-8")
    assert '"val":"ON"' not in text  # it came of a secret


def test_a_preview_tells_unknown_values_from_known_ones(bench: Bench) -> None:
    bench.want(s0={}, s1={"val_from": "s0"})
    ran = bench.run("preview")
    assert ran.ok
    (check,) = (call for call in ran.calls if (call["method"], call["name"]) == ("check", "s1"))
    assert "Unknown" in check["news"]["val"]


class Stopped:
    """The part of a run that a refusal needs."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def stop(self, error: Exception) -> None:
        self.errors.append(error)


@each_row(
    ("method", "request_", "words"),
    [
        ("RegisterStackTransform", callback_pb2.Callback(), "transforms of the whole stack"),
        ("RegisterStackInvokeTransform", callback_pb2.Callback(), "transforms of the whole stack"),
        ("RegisterResourceHook", resource_pb2.RegisterResourceHookRequest(name="look"), "the hook look"),
        ("RegisterErrorHook", resource_pb2.RegisterErrorHookRequest(name="look"), "the hook look"),
        ("RegisterPackage", resource_pb2.RegisterPackageRequest(name="x"), "the package x"),
        ("Call", resource_pb2.ResourceCallRequest(tok="a:b:C/d"), "the method a:b:C/d"),
        ("Invoke", resource_pb2.ResourceInvokeRequest(tok="a:b:c"), "the function a:b:c"),
        ("ReadResource", resource_pb2.ReadResourceRequest(type="a:b:C"), "a read of a:b:C by its id"),
    ],
)
def test_what_only_the_cli_does_is_refused_and_ends_the_run(method: str, request_: Any, words: str) -> None:
    run: Any = Stopped()
    registrar: Any = None
    monitor = Monitor(run, registrar, "dev", "sample", lambda: None)
    with pytest.raises(OutOfScopeError, match=f"^{words}: the embedded engine does not do this") as caught:
        monitor.serve(method, request_)
    assert run.errors == [caught.value]


def test_what_depends_on_a_failed_one_is_not_made(bench: Bench) -> None:
    bench.want(s0={}, s1={"val_from": "s0"}, s2={})
    bench.faults({"create:s0": {"error": "no room"}})
    ran = bench.up(continue_on_error=True)
    assert ran.outcome.result is Result.PARTIAL
    assert "no room" in ran.errors
    assert sorted(bench.things()) == ["s2"]


def test_an_error_of_the_engine_stops_the_run(bench: Bench) -> None:
    bench.want(s0={}, s1={"depends_on": ["s0"], "import_": "x"}, s2={"depends_on": ["s1"]})
    ran = bench.up(parallel=1)
    assert ran.outcome.result is Result.PARTIAL
    assert "import of" in ran.outcome.errors[0]
    assert ran.made() == [("create", "s0")]
