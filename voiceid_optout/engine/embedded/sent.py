"""Which providers a program sends: it is run once for that alone, and nothing is done.

A refresh comes before the program, so what a foreign program's resources may run has to be known before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, resource_pb2

from voiceid_optout import urn as urns
from voiceid_optout.engine.embedded import wire
from voiceid_optout.engine.embedded.host import ProgramHost, start_message
from voiceid_optout.engine.embedded.monitor import FEATURES
from voiceid_optout.state import values
from voiceid_optout.state.errors import ProgramError
from voiceid_optout.state.trust import PROVIDER_KEY

if TYPE_CHECKING:
    from voiceid_optout.engine.interface import Request
    from voiceid_optout.state.project import Project, StackConfig


def by_program(request: Request, project: Project, config: StackConfig) -> frozenset[str]:
    """Return the texts of the providers that the program sends in a preview without any state.

    A program that fails has sent what it had sent: the run itself will say what is wrong with it.
    """
    listener = _Listener(request, project)
    host = ProgramHost(request.root, request.environment, lambda _: None)
    start = start_message(project, request.stack, config, request.parallel, dry_run=True)
    try:
        host.run(start, listener.serve, request.parallel)
    except ProgramError:
        pass
    finally:
        host.stop()
    return frozenset(listener.texts)


class _Listener:
    """Answers every call as a preview of new resources would, and keeps the providers. Thread-safe."""

    def __init__(self, request: Request, project: Project) -> None:
        self.texts: set[str] = set()
        self._request = request
        self._project = project
        self._root = ""

    def serve(self, method: str, request: Any) -> Any:
        match method:
            case "RegisterResource":
                return self._registered(request)
            case "GetDeploymentInfo":
                return resource_pb2.DeploymentInfo(
                    project=self._project.name,
                    stack=self._request.stack,
                    organization="organization",
                    dryRun=True,
                    parallel=self._request.parallel,
                    supportedFeatures=FEATURES,
                )
            case "SupportsFeature":
                return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in ("secrets", "deletedWith"))
            case "ReadResource":
                urn = self._urn(request)
                return resource_pb2.ReadResourceResponse(urn=urn, properties=request.properties)
            case "Invoke":
                return resource_pb2.ResourceInvokeResponse(unknown=True)
            case "GetRootResource":
                return engine_pb2.GetRootResourceResponse(urn=self._root)
            case "SetRootResource":
                self._root = request.urn
                return engine_pb2.SetRootResourceResponse()
        return empty_pb2.Empty()

    def _registered(self, request: Any) -> Any:
        text = values.plain_value(wire.from_struct(request.object).get(PROVIDER_KEY))
        if isinstance(text, str) and text != values.UNKNOWN:
            self.texts.add(text)
        return resource_pb2.RegisterResourceResponse(urn=self._urn(request), object=request.object)

    def _urn(self, request: Any) -> str:
        return urns.make(self._request.stack, self._project.name, request.parent, request.type, request.name)
