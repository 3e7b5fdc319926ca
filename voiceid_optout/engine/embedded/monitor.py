"""The resource monitor: answers the program's calls (``pulumirpc.ResourceMonitor`` and ``pulumirpc.Engine``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, resource_pb2

from voiceid_optout.engine.embedded import wire
from voiceid_optout.engine.embedded.goal import read_goal
from voiceid_optout.state.errors import EngineError, OutOfScopeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from voiceid_optout.engine.embedded.registrar import Registrar
    from voiceid_optout.engine.embedded.run import Run

_SEVERITIES = {
    engine_pb2.DEBUG: "debug",
    engine_pb2.INFO: "info",
    engine_pb2.WARNING: "warning",
    engine_pb2.ERROR: "error",
}
# Announced features decide how the SDK writes its requests; what is not here it refuses or writes the plain way.
FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,  # so that they can be told from texts, and refused
)


class Monitor:
    """Serves one run of the program; thread-safe."""

    def __init__(
        self, run: Run, registrar: Registrar, stack: str, project: str, finish: Callable[[], None]
    ) -> None:
        self._run = run
        self._registrar = registrar
        self._stack = stack
        self._project = project
        self._finish = finish
        self._root = ""

    def serve(self, method: str, request: Any) -> Any:
        """Answer one call. An error of the engine itself stops the run."""
        try:
            return getattr(self, f"_{method}")(request)
        except EngineError as error:
            self._run.stop(error)
            raise

    def _GetDeploymentInfo(self, _: Any) -> Any:  # noqa: N802 - the wire's name
        return resource_pb2.DeploymentInfo(
            project=self._project,
            stack=self._stack,
            organization="organization",
            dryRun=self._run.planning,
            parallel=self._run.request.parallel,
            supportedFeatures=FEATURES,
        )

    def _SupportsFeature(self, request: Any) -> Any:  # noqa: N802
        return resource_pb2.SupportsFeatureResponse(
            hasSupport=request.id in ("secrets", "deletedWith", "resourceReferences")
        )

    def _RegisterResource(self, request: Any) -> Any:  # noqa: N802
        goal = read_goal(request, self._stack, self._project, self._run.request.root)
        state = self._registrar.register(goal)
        if state is None:
            return resource_pb2.RegisterResourceResponse(urn=goal.urn, result=resource_pb2.FAIL)
        return resource_pb2.RegisterResourceResponse(
            urn=state.urn, id=state.id, object=wire.to_struct(state.outputs, keep_secrets=True)
        )

    def _RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        self._registrar.components.finish(request.urn, wire.from_struct(request.outputs))
        return empty_pb2.Empty()

    def _ReadResource(self, request: Any) -> Any:  # noqa: N802
        raise OutOfScopeError(f"a read of {request.type} by its id")

    def _Invoke(self, request: Any) -> Any:  # noqa: N802
        raise OutOfScopeError(f"the function {request.tok}")

    def _SignalAndWaitForShutdown(self, _: Any) -> Any:  # noqa: N802
        self._finish()
        return empty_pb2.Empty()

    def _Log(self, request: Any) -> Any:  # noqa: N802
        severity = _SEVERITIES.get(request.severity, "info")
        if severity != "debug":
            self._run.emitter.diagnostic(severity, request.message, request.urn or None)
        return empty_pb2.Empty()

    def _GetRootResource(self, _: Any) -> Any:  # noqa: N802
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def _SetRootResource(self, request: Any) -> Any:  # noqa: N802
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()
