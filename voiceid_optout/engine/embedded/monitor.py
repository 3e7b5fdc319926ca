"""The resource monitor: answers the program's calls (``pulumirpc.ResourceMonitor`` and ``pulumirpc.Engine``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2

from voiceid_optout.engine.embedded.goal import read_goal
from voiceid_optout.engine.embedded.transport import filled, from_program
from voiceid_optout.pulumi_parts import engine_pb2, resource_pb2
from voiceid_optout.state import OutOfScope, OutOfScopeError, StackError

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
_SERVED = ("SECRETS", "DELETED_WITH")
# These are announced so that they arrive, and are refused here by name: the SDK would say "update the Pulumi CLI".
_ONLY_TO_REFUSE = (
    "RESOURCE_REFERENCES", "REPLACE_WITH", "REPLACEMENT_TRIGGER", "TRANSFORMS", "INVOKE_TRANSFORMS",
    "RESOURCE_HOOKS", "ERROR_HOOKS", "PARAMETERIZATION", "STATE_MIGRATIONS",
)  # fmt: skip
_KNOWN = dict(resource_pb2.ResourceMonitorFeature.items())
_NUMBERS = {
    name: _KNOWN[f"RESOURCE_MONITOR_FEATURE_{name}"]
    for name in (*_SERVED, *_ONLY_TO_REFUSE)
    if f"RESOURCE_MONITOR_FEATURE_{name}" in _KNOWN  # an older SDK knows fewer
}
FEATURES = tuple(_NUMBERS.values())
# Calls that are refused, and the field of the request that says what was asked for.
_REFUSED = {
    "ReadResource": (OutOfScope.READ, "type"),
    "Invoke": (OutOfScope.FUNCTION, "tok"),
    "Call": (OutOfScope.METHOD, "tok"),
    "RegisterStackTransform": (OutOfScope.STACK_TRANSFORM, ""),
    "RegisterStackInvokeTransform": (OutOfScope.STACK_TRANSFORM, ""),
    "RegisterResourceHook": (OutOfScope.STACK_HOOK, "name"),
    "RegisterErrorHook": (OutOfScope.STACK_HOOK, "name"),
    "RegisterPackage": (OutOfScope.PACKAGE, "name"),
}


def _old_name(name: str) -> str:
    """Return the name by which older SDKs ask for a feature."""
    first, *others = name.lower().split("_")
    return first + "".join(map(str.title, others))


_OLD_NAMES = frozenset(map(_old_name, _NUMBERS))


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
            if method in _REFUSED:
                kind, field = _REFUSED[method]
                raise OutOfScopeError(kind, *([getattr(request, field)] if field else []))
            return getattr(self, f"_{method}")(request)
        except StackError as error:
            self._run.stop(error)
            raise

    def _GetDeploymentInfo(self, _: Any) -> Any:  # noqa: N802 - the protocol's name
        return resource_pb2.DeploymentInfo(
            project=self._project,
            stack=self._stack,
            organization="organization",
            dryRun=self._run.planning,
            parallel=self._run.request.parallel,
            supportedFeatures=FEATURES,
        )

    def _SupportsFeature(self, request: Any) -> Any:  # noqa: N802
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _OLD_NAMES)

    def _RegisterResource(self, request: Any) -> Any:  # noqa: N802
        goal = read_goal(request, self._stack, self._project, self._run.request.root)
        state = self._registrar.register(goal)
        if state is None:
            return resource_pb2.RegisterResourceResponse(urn=goal.urn, result=resource_pb2.FAIL)
        answer = resource_pb2.RegisterResourceResponse(urn=state.urn, id=state.id)
        return filled(answer, keep_secrets=True, object=state.outputs)

    def _RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        self._registrar.components.finish(request.urn, from_program(request.outputs))
        return empty_pb2.Empty()

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
