"""A PostgreSQL server of the tests' own: initialised, started, killed and started again."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import URL

TIMEOUT = 600  # seconds until a server must start or end
_USERS = ("postgres", "nobody")  # whom to become where the tests run as root, which the server refuses to be
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "fsync": "on",
    # Off on purpose: the service must not depend on the server's default.
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "logging_collector": "off",
}


def binaries() -> Path | None:
    """Return the folder of the server's programs, or None; Debian keeps them off PATH."""
    candidates = []
    if config := shutil.which("pg_config"):
        found = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
        candidates.append(Path(found))
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if on_path := shutil.which("initdb"):
        candidates.append(Path(on_path).parent)
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


@dataclass
class Cluster:
    """One server on a loopback port. ``kill`` leaves its files as a crash does."""

    bin: Path
    folder: Path
    port: int
    account: pwd.struct_passwd | None
    settings: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def initialise(self) -> None:
        self._run("initdb", "-D", "data", "-U", "service", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        lines = "".join(f"{name} = '{value}'\n" for name, value in {**SETTINGS, **self.settings}.items())
        with (self.folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"{lines}port = {self.port}\nunix_socket_directories = ''\n")

    def start(self) -> None:
        log = (self.folder / "server.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", "data"],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **self._identity(),
            )
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                return psycopg.connect(self.conninfo(), connect_timeout=5).close()
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "server.log").read_text(encoding="utf-8")
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def kill(self) -> None:
        """Kill the server and all its processes at once, as a loss of power would end them."""
        assert self.process
        family = [self.process.pid, *_children(self.process.pid)]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(TIMEOUT)
        # Its shared memory goes with the last of its processes; only then may another server start.
        deadline = time.monotonic() + TIMEOUT
        while any(map(_alive, family)):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # "fast": ends sessions, and itself in order
            self.process.wait(TIMEOUT)

    def conninfo(self, database: str = "postgres") -> str:
        return f"host=127.0.0.1 port={self.port} user=service dbname={database}"

    def url(self, database: str = "postgres") -> str:
        made = URL.create("postgresql", "service", None, "127.0.0.1", self.port, database)
        return made.render_as_string(hide_password=False)

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            number = connection.execute("SELECT count(*) FROM pg_database").fetchone()
            assert number
            name = f"voiceid_{number[0]}"
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def _identity(self) -> dict[str, Any]:
        if self.account is None:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.bin / program), *arguments]
        finished = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, **self._identity()
        )
        assert finished.returncode == 0, finished.stderr


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in _USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("no user to run the server as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def cluster(bin_folder: Path, **settings: str) -> Iterator[Cluster]:
    """Run a server for the time of the block; ``settings`` are added to those of the tests."""
    # Not pytest's own folder, which no other user may enter.
    with tempfile.TemporaryDirectory(prefix="voiceid-postgres-") as name:
        folder, account = Path(name), _account()
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        server = Cluster(bin_folder, folder, _free_port(), account, settings)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()
