"""A process of the fork server is what one of ``subprocess.Popen`` would be."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import fork_server
from tests.engine.bench import Bench
from tests.engine.embedded.processes import living, wait_for
from tests.fork_server import ForkServer
from voiceid_optout.engine.embedded import forks
from voiceid_optout.engine.embedded.forks import PLUGIN, Forked, Process, start

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
    "optimize": sys.flags.optimize,
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
    fork_server.start_as_ever(monkeypatch.setattr)
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


Begin = Callable[..., Process]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """What starts a plugin that waits for calls, which never come."""
    begun: list[Process] = []

    def made(server: ForkServer, **options: Any) -> Process:
        process = start(server, [PLUGIN], folder=tmp_path, variables=os.environ, descriptors=[], **options)
        begun.append(process)
        return process

    yield made
    for process in begun:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def test_the_end_of_one_is_waited_for_and_told_apart(server: ForkServer, begin: Begin) -> None:
    killed, told, left = (begin(server, has_input=True) for _ in range(3))
    assert isinstance(killed, Forked)
    with pytest.raises(subprocess.TimeoutExpired):
        killed.wait(0)
    killed.kill()
    told.terminate()
    assert left.stdin is not None
    left.stdin.close()  # the plugin takes this for the end of its engine
    assert [one.wait() for one in (killed, told, left)] == [-9, -15, 1]
    killed.kill()  # somebody else may have its number by now
    assert killed.wait(0) == -9


def test_one_has_the_name_of_its_module(server: ForkServer, begin: Begin) -> None:
    process = begin(server, has_input=True)
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"  # it is ready, and says so though nothing is flushed
    assert Path(f"/proc/{process.pid}/comm").read_text() == "plugin_process\n"


def test_without_input_there_is_nothing_to_read(server: ForkServer, begin: Begin) -> None:
    assert begin(server).wait() == 1


def test_a_server_that_is_dead_leaves_a_process_that_starts_as_ever(begin: Begin) -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    child = subprocess.Popen(["sleep", "60"])
    child.returncode = 0  # the server's own close waits for it
    dead = forks.ForkServer(child.pid, ours)
    dead.load("json")
    process = begin(dead)
    assert isinstance(process, subprocess.Popen)
    assert process.wait() == 1
    dead.close()
    process = begin(dead)
    assert isinstance(process, subprocess.Popen)
    assert process.wait() == 1


# What a command does: it forks a server, and then has things of which the server's forks must know nothing.
COMMAND = """
import atexit, json, os, sys, tempfile
from voiceid_optout.cli.output import lasting, reported
from voiceid_optout.engine.embedded import forks

atexit.register(print, "the command ends")
file = tempfile.TemporaryFile("w", dir=sys.argv[1])
file.write("once ")
print("once")  # not flushed yet
(out, to_out), (err, to_err) = os.pipe(), os.pipe()
with lasting(), reported(), open(os.devnull) as nothing:
    server = forks.fork_server()
    server.load("wave")
    given = {0: nothing.fileno(), 1: to_out, 2: to_err}
    pid = server.fork(["sample", *sys.argv[2:]], sys.argv[1], {**os.environ, "NEW": "1"}, given)
    os.close(to_out)
    os.close(to_err)
    said, errors = (os.fdopen(number).read() for number in (out, err))
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
file.seek(0, 1)
facts = {"said": said, "errors": errors, "status": status, "size": os.fstat(file.fileno()).st_size}
open(f"{sys.argv[1]}/facts", "w").write(json.dumps(facts))
"""
SAMPLE = """
import json, os, signal, sys

def main():
    import pulumi.automation as automation
    with open(os.devnull):  # takes the lowest number
        numbers = [number for number in range(600) if os.path.exists(f"/proc/self/fd/{number}")]
    streams = sys.stdin, sys.stdout, sys.stderr
    facts = {
        "numbers": numbers,
        "main": sys.modules["__main__"].__spec__.name,
        "new": os.environ["NEW"],
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)],
        "masked": len(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "streams": [(stream.encoding, stream.errors) for stream in streams],
        "events": str(automation.events),
    }
    print(json.dumps(facts))
    print("wave" in sys.modules)
    if len(sys.argv) > 1:
        sys.exit(json.loads(sys.argv[1]))

if __name__ == "__main__":
    main()
"""


def variables() -> dict[str, str]:
    """Return variables that measure no coverage, which handles signals."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


def of_command(folder: Path, *arguments: str, closed: str = "") -> Any:
    """Return what the sample says, forked off a command that may have some of its streams closed."""
    (folder / "sample.py").write_text(SAMPLE)
    script = f'exec "$0" "$@" {closed}'
    command = ["sh", "-c", script, sys.executable, "-c", COMMAND, str(folder), *arguments]
    done = subprocess.run(command, env=variables(), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("" if "1" in closed else "once\nthe command ends\n", "")
    return json.loads((folder / "facts").read_text())


@pytest.mark.parametrize("closed", ["", "1>&-", "2>&-", "1>&- 2>&-"])
def test_a_fork_of_a_command_is_what_a_process_of_its_own_would_be(tmp_path: Path, closed: str) -> None:
    found = of_command(tmp_path, closed=closed)
    started = subprocess.run(
        [sys.executable, "-m", "sample"],
        cwd=tmp_path,
        env={**variables(), "NEW": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    facts, loaded = found["said"].splitlines()
    assert (json.loads(facts), loaded) == (json.loads(started.stdout.splitlines()[0]), "True")
    assert (found["status"], found["size"], found["errors"]) == (0, len("once "), "")


@pytest.mark.parametrize(("code", "status"), [("null", 0), ("7", 7), ('"what is wrong"', 1)])
def test_a_fork_ends_as_its_module_says(tmp_path: Path, code: str, status: int) -> None:
    found = of_command(tmp_path, code)
    assert found["status"] == status
    assert found["errors"] == ("what is wrong\n" if status == 1 else "")


def test_a_fork_whose_module_fails_shows_where(tmp_path: Path) -> None:
    found = of_command(tmp_path, "no JSON")
    assert found["status"] == 1
    assert found["errors"].splitlines()[-1].startswith("json.decoder.JSONDecodeError")


def test_a_system_with_few_descriptors_has_no_server_and_is_told_nothing(tmp_path: Path) -> None:
    code = (
        "import resource, sys\nfrom voiceid_optout.engine.embedded.forks import fork_server\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\nserver = fork_server()\n"
        "try:\n    server.fork(['json'], '/', {}, {})\nexcept (OSError, EOFError):\n    print('no server')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("no server\n", "")


def test_a_server_ends_with_who_asked_for_it(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom voiceid_optout.engine.embedded.forks import fork_server\n"
        "server = fork_server()\nprint(sys.stdin.readline(), flush=True)\nos._exit(0)"
    )
    asking = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    wait_for(lambda: len(living(tmp_path)) == 2)
    asking.communicate(b"go\n")
    wait_for(lambda: not living(tmp_path))


def test_a_run_with_variables_for_the_interpreter_starts_anew(
    tmp_path: Path, server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork_server.install(server, monkeypatch.setattr)
    bench = Bench.make(tmp_path / "sample")
    bench.write("__main__.py", FACTS)
    assert bench.run("preview", environment={"PYTHONOPTIMIZE": "2"}).ok
    assert json.loads((bench.root / "facts.json").read_text())["optimize"] == 2


def test_the_server_imports_in_one_thread() -> None:
    code = (
        "import os\nfrom importlib import import_module\nfrom voiceid_optout.engine.embedded import forks\n"
        "for module in (*forks.AHEAD, forks.CLIENT):\n    import_module(module)\n"
        "print(len(os.listdir('/proc/self/task')))"
    )
    assert subprocess.check_output([sys.executable, "-c", code]) == b"1\n"


def test_a_process_with_threads_is_not_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("it has been forked"))
    held = threading.Event()
    thread = threading.Thread(target=held.wait)
    thread.start()
    try:
        assert forks.fork_server() is None
    finally:
        held.set()
        thread.join()


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process count as one that could be forked; it must not be."""
    monkeypatch.setattr(Path, "iterdir", lambda _: iter([Path()]))
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("it has been forked"))


@pytest.mark.usefixtures("one_thread")
def test_another_system_has_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert forks.fork_server() is None


@pytest.mark.usefixtures("one_thread")
def test_where_nobody_can_wait_for_another_s_child_there_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: int) -> int:
        raise OSError

    monkeypatch.setattr(os, "pidfd_open", refused)
    assert forks.fork_server() is None


def test_where_no_threads_can_be_counted_there_is_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: Path) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "iterdir", missing)
    assert forks.fork_server() is None
