"""A process of the fork server is what one of ``subprocess.Popen`` would be."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import fork_server
from tests.engine.bench import Bench
from tests.fork_server import ForkServer

FACTS = """
import json, os, signal, sys
facts = {
    "cwd": os.getcwd(),
    "leads its group": os.getpgid(0) == os.getpid(),
    "parent": os.getppid(),
    "arguments": sys.argv,
    "variables": dict(os.environ),
    "path": sys.path,
    "descriptors": sorted(
        os.readlink(link).split(":")[0]
        for link in map("/proc/self/fd/{}".format, range(600))
        if os.path.exists(link)
    ),
    "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    "buffered": not sys.stdout.write_through,
}
open("facts.json", "w").write(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with fork_server.fork_server() as made:
        if made is None:
            pytest.skip("processes start as ever here")
        yield made


def facts(root: Path) -> Any:
    """Run a program that writes down what it is given."""
    bench = Bench.make(root)
    bench.write("__main__.py", FACTS)
    ran = bench.run("preview")
    assert ran.ok, ran.errors
    text = (root / "facts.json").read_text().replace(str(root.parent), "FOLDER")
    return json.loads(text)


def test_a_program_is_given_what_popen_gives(
    server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = facts(tmp_path / "started" / "sample")
    fork_server.install(server, monkeypatch.setattr)
    assert facts(tmp_path / "forked" / "sample") == started | {"parent": os.getpid()}


def test_a_program_may_have_a_descriptor_of_the_servers_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lowest = os.open(os.devnull, os.O_RDONLY)
    with fork_server.fork_server() as made:
        if made is None:
            pytest.skip("processes start as ever here")
        os.close(lowest)  # the next pair of sockets takes this number, and the one that the server got
        fork_server.install(made, monkeypatch.setattr)
        facts(tmp_path / "sample")


def test_everything_else_starts_as_ever(server: ForkServer) -> None:
    process = fork_server.popen(server)([sys.executable, "-c", "print(1)"], stdout=subprocess.PIPE)
    assert process.communicate()[0] == b"1\n"


def test_a_killed_one_is_seen_to_be(server: ForkServer, tmp_path: Path) -> None:
    process = fork_server.popen(server)(
        [sys.executable, "-m", fork_server.FORKED[1]],
        cwd=tmp_path,
        env={},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    process.kill()
    process.communicate()
    assert process.returncode == -9
