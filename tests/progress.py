"""``pytest -p tests.progress``: one line a test file as its first test starts, in the place of a dot a test.

So who waits sees what is under way, how much is done, and each failure at once. Made for runs with ``-n``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

Status = tuple[str, Any, Any]  # category, letter and word of a report


class Progress:
    """Prints the lines; lives in the process that has the terminal."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter
        self._started = time.monotonic()
        self._files: set[str] = set()
        self._done = 0
        self._all = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._all = max(self._all, len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self._all = len(ids)

    def pytest_runtest_logstart(self, location: tuple[str, int | None, str]) -> None:
        file = location[0]
        if file not in self._files:
            self._files.add(file)
            minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
            self._reporter.write_line(f"{minutes:3}:{seconds:02}  {self._done:>6,} of {self._all:,}  {file}")

    def pytest_runtest_logfinish(self) -> None:
        self._done += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._reporter.write_line(f"{'':8}FAILED in {report.when}: {report.nodeid}", red=True)

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Status, Status]:
        category, _, _ = yield
        return category, "", ""


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(reporter))
