"""``pytest --fast``, which ``make check`` uses: a test that starts a process is skipped as soon as it does.

So no list says which tests are fast, and none can be out of date. The whole suite runs them all.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from hypothesis import settings

from tests import fork_server as forks
from voiceid_optout.state import passphrase

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn"}
QUICK = {"git"}
LONG = (
    *(
        "docs/test_commands.py",
        "docs/test_upgrade.py",
        "docs/test_production.py",
        "e2e/test_pull_request.py",
        "e2e/test_kills.py",
        "e2e/test_up.py",
    ),
    *("service/test_kills.py", "service/test_mutations.py", "service/jobs/test_runner.py"),
    "torture/test_wire.py",
    "engine/embedded/test_recovery.py",
)
WHOLE = (  # unless they are among the long ones
    *("e2e/test_*.py", "e2e/cli/test_*.py", "deploy/test_several.py"),
    "engine/embedded/test_interrupts_of_a_run.py",
    *("benchmarks/test_measure.py", "benchmarks/test_service_scale.py", "benchmarks/test_service_joining.py"),
)
CREATE = cache(passphrase.create)
ALL_SLOW = {"browser", "clients", "conformance", "deploy", "e2e", "package"}  # folders: nothing else is in them

# An example takes as long as it takes: a busy machine is slow, and that is no fault.
settings.register_profile("any machine", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=20)
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def _keys_derived_once() -> Iterator[None]:
    """Remember every key: to derive one takes half a second of a core, by design, and many tests want the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passphrase, "_derive", cache(passphrase._derive.__wrapped__))
        yield


@pytest.fixture(scope="module")
def known_salts() -> Iterator[None]:
    """Give a new stack the salt that the first one of its passphrase got, whose key is known."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passphrase, "create", CREATE)
        yield


@pytest.fixture(scope="session", autouse=True)
def _botocore_s_files_read_once() -> Iterator[None]:
    """Share what botocore reads of its folders between sessions: it is most of the time that a client takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session")
def fork_server() -> Iterator[forks.ForkServer | None]:
    """Give what forks the engine's processes; None where they must start as ever."""
    with forks.fork_server() as found:
        yield found


@pytest.fixture
def forked_engine(fork_server: forks.ForkServer | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the processes of engines that run in the test's own process: what they do is tested, not their start."""
    forks.install(fork_server, monkeypatch.setattr)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Give a folder in memory, if there is such a thing: thousands of small ones are made in it and removed."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="skip the tests that start a process")


class OnlyFast:
    """Skips the test that runs when the main thread starts a process."""

    def __init__(self) -> None:
        self.in_test = False
        sys.addaudithook(self.audit)

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.in_test or event not in STARTS or threading.current_thread() is not threading.main_thread():
            return
        if event == "subprocess.Popen" and PurePath(str(args[0])).name in QUICK:
            return
        pytest.skip("starts a process: make test runs it")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Any:
        self.in_test = True
        try:
            return (yield)
        finally:
            self.in_test = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Any:
        self.in_test = True
        try:
            return (yield)
        finally:
            self.in_test = False


@cache
def length(path: Path) -> pytest.MarkDecorator | None:
    """Return the marker of a file's tests."""
    for marker, patterns in ((pytest.mark.long, LONG), (pytest.mark.whole, WHOLE)):
        if any(path.match(str(HERE / pattern)) for pattern in patterns):
            return marker
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if marker := length(item.path):
            item.add_marker(marker)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if config.getoption("--fast") and collection_path.parent == HERE and collection_path.name in ALL_SLOW:
        return True
    return None


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Of a run in the background, and the processes of the tests would inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--fast"):
        settings.load_profile("fast")
        config.pluginmanager.register(OnlyFast())
        # A test that is cut short leaves open what it would have handed to the process.
        config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")
