"""The provider plugin: ``python -m pulumi.dynamic``, started as the official engine does; one process."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from voiceid_optout.engine.embedded import forks
from voiceid_optout.engine.embedded.transport import CallFailed, ConnectionPool, filled, from_struct
from voiceid_optout.engine.messages import last_line
from voiceid_optout.pulumi_parts import provider_pb2 as pb
from voiceid_optout.state import PluginError, values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from voiceid_optout.engine.embedded.forks import ForkServer
    from voiceid_optout.engine.interface import Request
    from voiceid_optout.state.values import PropertyMap


CLOSE_TIMEOUT = 5.0  # seconds a plugin has to end when it is told to


class ProviderError(Exception):
    """A provider's method failed; the message is the provider's own last line."""


@dataclass(frozen=True, slots=True)
class Diff:
    """What a provider says of a difference; ``changes`` None leaves the comparison to the engine."""

    changes: bool | None
    replaces: tuple[str, ...]
    delete_before_replace: bool


class Plugin:
    """A running plugin process. Its methods may be called from several threads at once."""

    def __init__(
        self,
        root: Path,
        project: str,
        environment: Mapping[str, str],
        report: Callable[[str], None],
        *,
        calls: bool = False,
        server: ForkServer | None = None,
    ) -> None:
        """Start the process; it is ready when the first call needs it. ``report`` gets each line it prints.

        ``calls`` says that the provider will call the service, so that it gets ready for that too.
        """
        self._report = report
        self._config: Mapping[str, str] = {}
        self._ready = threading.Lock()
        self._connections = ConnectionPool()
        self._connected = False
        self._failure: PluginError | None = None
        self._readers: list[threading.Thread] = []
        variables = {**os.environ, **environment, "PULUMI_PROJECT": project, "PYTHONUNBUFFERED": "1"}
        variables["PYTHONPATH"] = os.pathsep.join(part for part in (str(root), variables.get("PYTHONPATH")) if part)
        ends = [end.fileno() for end in self._connections.theirs]
        options = [forks.LOAD_CLIENT] if calls else []
        self._process = forks.start(
            server,
            [forks.PLUGIN, *options, *map(str, ends)],
            folder=root,
            variables=variables,
            descriptors=ends,
            has_input=True,  # never written to: its end tells the plugin that we are gone
        )
        self._connections.close_theirs()

    def configure(self, config: Mapping[str, str]) -> None:
        """Say with which config the first call is to find it, all text."""
        self._config = config

    def _connect_once(self) -> None:
        with self._ready:
            if self._failure is not None:
                raise self._failure
            if not self._connected:
                try:
                    self._connect()
                except PluginError as error:
                    self._failure = error  # the calls that wait meanwhile fail with it too
                    raise
                self._connected = True

    def _connect(self) -> None:
        out, err = self._process.stdout, self._process.stderr
        if out is None or err is None:
            raise PluginError("the provider plugin has no output")
        port = out.readline().strip()
        if not port.isdigit():
            if port:
                self._process.kill()  # what it says next is of no use
            text = err.read().decode(errors="replace")
            reason = last_line(text) if text.strip() else "it printed something else than its port"
            raise PluginError(f"the provider plugin did not start: {reason}")
        for stream in (out, err):
            self._readers.append(threading.Thread(target=self._forward, args=(stream,), daemon=True))
            self._readers[-1].start()
        self._guarded("Configure", filled(pb.ConfigureRequest(acceptSecrets=True), args=self._config))

    def _forward(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self._report(line.decode(errors="replace").rstrip())

    def check(self, urn: str, old: PropertyMap, new: PropertyMap) -> tuple[PropertyMap, list[str]]:
        """Validate inputs; returns them as the provider wants them, and its complaints."""
        answer = self._call("Check", filled(pb.CheckRequest(urn=urn), olds=old, news=new))
        failures = [
            f"property {item.property}: {item.reason}" if item.property else item.reason for item in answer.failures
        ]
        return values.mark_secrets(from_struct(answer.inputs), new), failures

    def diff(self, urn: str, id_: str, old_outputs: PropertyMap, new: PropertyMap) -> Diff:
        """Compare old outputs with new inputs."""
        answer = self._call("Diff", filled(pb.DiffRequest(urn=urn, id=id_), olds=old_outputs, news=new))
        unknown = answer.changes == pb.DiffResponse.DIFF_UNKNOWN
        return Diff(
            None if unknown else answer.changes == pb.DiffResponse.DIFF_SOME,
            tuple(answer.replaces),
            answer.deleteBeforeReplace,
        )

    def create(self, urn: str, inputs: PropertyMap) -> tuple[str, PropertyMap]:
        """Create the resource; returns its id and outputs."""
        answer = self._call("Create", filled(pb.CreateRequest(urn=urn), properties=inputs))
        if not answer.id:
            raise ProviderError("the provider returned no id for a resource it created")
        return answer.id, values.mark_secrets(from_struct(answer.properties), inputs)

    def update(self, urn: str, id_: str, old_outputs: PropertyMap, inputs: PropertyMap) -> PropertyMap:
        """Change the resource; returns its outputs."""
        answer = self._call("Update", filled(pb.UpdateRequest(urn=urn, id=id_), olds=old_outputs, news=inputs))
        return values.mark_secrets(from_struct(answer.properties), inputs)

    def read(
        self, urn: str, id_: str, outputs: PropertyMap, inputs: PropertyMap
    ) -> tuple[str, PropertyMap, PropertyMap]:
        """Read the live resource; returns id ('' when it is gone), outputs and inputs."""
        answer = self._call("Read", filled(pb.ReadRequest(urn=urn, id=id_), properties=outputs, inputs=inputs))
        new_inputs = from_struct(answer.inputs)
        new_inputs = values.mark_secrets(new_inputs, inputs) if new_inputs else inputs
        return answer.id, values.mark_secrets(from_struct(answer.properties), inputs), new_inputs

    def delete(self, urn: str, id_: str, outputs: PropertyMap) -> None:
        """Delete the resource."""
        self._call("Delete", filled(pb.DeleteRequest(urn=urn, id=id_), properties=outputs))

    def _call(self, method: str, request: Any) -> Any:
        if not self._connected:
            self._connect_once()
        return self._guarded(method, request)

    def _guarded(self, method: str, request: Any) -> Any:
        try:
            return self._connections.call(method, request)
        except CallFailed as error:
            raise ProviderError(last_line(str(error) or "the provider failed")) from None
        except (EOFError, OSError):
            raise PluginError(f"the provider plugin {self._end()}") from None

    def _end(self) -> str:
        try:
            status = self._process.wait(timeout=1)  # the connection ends a moment before the process does
        except subprocess.TimeoutExpired:
            return "does not answer any more"
        return f"was ended by signal {-status}" if status < 0 else f"ended with exit status {status}"

    def kill(self) -> None:
        """End the process at once; calls under way fail with :class:`PluginError`."""
        self._process.kill()

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(timeout=CLOSE_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._connections.close()
        for reader in self._readers:
            reader.join(timeout=1)  # what it said last; not longer: a process it left behind may hold the pipe
        unread = () if self._readers else (self._process.stdout, self._process.stderr)
        for stream in (self._process.stdin, *unread):
            if stream is not None:
                stream.close()


class Plugins:
    """Hands out running plugins. A refresh before an ``up`` may need the config of the last run beside today's."""

    def __init__(
        self,
        request: Request,
        project: str,
        report: Callable[[str], None],
        *,
        calls: bool = False,
        server: ForkServer | None = None,
    ) -> None:
        """Start none yet; ``calls`` says that they will call the service."""
        self._server = server
        self._request = request
        self._calls = calls
        self._project = project
        self._report = report
        self._lock = threading.Lock()
        self._running: dict[str, Plugin] = {}
        self._spare: Plugin | None = None

    def start(self) -> None:
        """Start a process that will be needed, so that it imports while something else is waited for."""
        with self._lock:
            self._spare = self._spare or self._launch()

    def with_config(self, config: PropertyMap) -> Plugin:
        """Return the plugin that is configured so."""
        plain = values.plain_value(config)
        key = json.dumps(plain, sort_keys=True)
        with self._lock:
            if key not in self._running:
                plugin, self._spare = self._spare or self._launch(), None
                plugin.configure(plain)
                self._running[key] = plugin
            return self._running[key]

    def _launch(self) -> Plugin:
        request = self._request
        return Plugin(
            request.root, self._project, request.environment, self._report, calls=self._calls, server=self._server
        )

    def _all(self) -> list[Plugin]:
        return [*self._running.values(), *([self._spare] if self._spare else [])]

    def kill(self) -> None:
        """End all of them at once; calls under way fail."""
        with self._lock:
            for plugin in self._all():
                plugin.kill()

    def close(self) -> None:
        """End all of them."""
        for plugin in self._all():
            plugin.close()
