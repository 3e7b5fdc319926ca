"""What is killed: a service and its database, which come back at the same address, and the processes of a run."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.commands import Shell, eventually
from tests.e2e.services import Service
from voiceid_optout.service.data_folder import find

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from tests.e2e.forked import Command, Commands
    from tests.service.cluster import Cluster

ENGINE, PROGRAM, PLUGIN, SERVICE, DATABASE = "engine", "program", "plugin", "service", "PostgreSQL"
# How /proc calls them, in at most 15 letters: by their module where they are forks, else by their file.
_NAMES = {
    "program": PROGRAM,
    "plugin_process": PLUGIN,
    "pulumi": ENGINE,
    "pulumi-language": PROGRAM,
    "pulumi-resource": PLUGIN,
}
_WORDS = {b"pulumi.dynamic": PLUGIN, b"pulumi-language-python-exec": PROGRAM}


@dataclass
class Mortal:
    """A service that is killed and started again, with its PostgreSQL server if it has one."""

    commands: Commands
    data: Path
    cluster: Cluster | None = None
    port: int = 0
    _url: str = ""
    _command: Command | None = None
    _service: Service | None = None
    _dead: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Start it where it has ever been."""
        self.port = self.port or _free_port()
        words = ["serve", "--data", str(self.data), "--port", str(self.port), "--quotas", "none"]
        if self.cluster is not None:
            self._url = self._url or self.cluster.new_database()
            words += ["--database", self._url]
        command = self.commands.start(Shell(self.data.parent), *words, "--admin-port", "0", "--test-hooks")
        eventually(lambda: find(self.data) is not None or command.has_ended(), "the service listens")
        running = find(self.data)
        assert running is not None, command.ended().output
        self._command, self._service = command, Service(running)

    @property
    def service(self) -> Service:
        """What answers; nobody may be dead."""
        assert self._service is not None
        return self._service

    def kill(self, victim: str) -> None:
        """Kill the service, or its database server with all its processes."""
        if victim == DATABASE:
            assert self.cluster is not None
            self.cluster.kill()
        else:
            assert self._command is not None
            self._command.kill()
            assert self._command.ended().code == -signal.SIGKILL
        self._dead.append(victim)

    def revive(self) -> None:
        """Start what was killed, and wait until it answers."""
        if DATABASE in self._dead and self.cluster is not None:
            self.cluster.start()
        if SERVICE in self._dead:
            if self._service is not None and "client" in vars(self._service):
                self._service.client.close()
            self.start()
        elif DATABASE in self._dead:
            eventually(self._answers, "the service finds its database again")
        self._dead.clear()

    def _answers(self) -> bool:
        client = self.service.client
        try:
            client.list_domains(MaxResults=1)
        except client.exceptions.InternalServerException:
            return False
        return True

    def stop(self) -> None:
        """End it in order."""
        if self._command is not None:
            os.kill(self._command.pid, signal.SIGTERM)
            self._command.ended()
        if self._service is not None and "client" in vars(self._service):
            self._service.client.close()


@contextmanager
def mortal(commands: Commands, data: Path, cluster: Cluster | None = None) -> Iterator[Mortal]:
    """Run one for the time of the block."""
    data.parent.mkdir()
    made = Mortal(commands, data, cluster)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def below(pid: int) -> Iterator[int]:
    """Yield the processes below one."""
    with suppress(OSError):  # it ends this moment
        for thread in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, thread.read_text().split()):
                yield child
                yield from below(child)


def of_run(command: Command, victim: str) -> list[int]:
    """Return the processes of a run that are the engine, the program or the plugin; none may be there (yet)."""
    found = [command.pid] if victim == ENGINE else []
    for pid in below(command.pid):
        with suppress(OSError):
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            kinds = [_NAMES.get(name), *(kind for word, kind in _WORDS.items() if word in words)]
            if victim in kinds:
                found.append(pid)
    return found


def strike(command: Command, victims: list[str], store: Mortal, dice: random.Random) -> list[str]:
    """Kill them, one right after another; returns who was there to be killed while the run was under way."""
    killed = []
    for victim in victims:
        if command.has_ended():
            break
        if victim in (SERVICE, DATABASE):
            store.kill(victim)
            killed.append(victim)
            continue
        pids = of_run(command, victim)
        if pids:
            with suppress(ProcessLookupError):
                os.kill(dice.choice(pids), signal.SIGKILL)
                killed.append(victim)
    return killed


def living(root: Path) -> list[int]:
    """Return the processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink() == root and "State:\tZ" not in (process / "status").read_text():
                found.append(int(process.name))
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(command: Command, moment: float, victim: str) -> None:
    """Wait for a moment of the clock, and for the victim to be there, or for the run's end."""
    while not command.has_ended():
        if time.monotonic() >= moment and (victim in (SERVICE, DATABASE) or of_run(command, victim)):
            return
        time.sleep(0.003)
