"""A browser without a window, and the pages that it opens."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.evidence.reports import summarise
from voiceid_optout.evidence import Header, Row, Signature
from voiceid_optout.evidence.report_html import write_html

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE_FOLDER = Path(__file__).parent / "node"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
MADE_AT = "2026-11-28T02:00:04Z"
DOMAINS = ("A" * 22, "B" * 22)


class Browser:
    """A page of Chromium, driven by a script of Node.js."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, name: str, **given: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"name": name, **given}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the browser's driver has ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def open(self, url: str, **settings: Any) -> None:
        self.ask("open", url=url, **settings)

    def click(self, selector: str) -> None:
        self.ask("call", method="click", args=[selector])

    def fill(self, selector: str, text: str) -> None:
        self.ask("call", method="fill", args=[selector, text])

    def select(self, selector: str, label: str) -> None:
        self.ask("call", method="selectOption", args=[selector, {"label": label}])

    def focus(self, selector: str) -> None:
        self.ask("call", method="focus", args=[selector])

    def press(self, *keys: str) -> None:
        for key in keys:
            self.ask("press", key=key)

    def evaluate(self, script: str) -> Any:
        return self.ask("call", method="evaluate", args=[script])

    def text(self, selector: str) -> str:
        return str(self.ask("call", method="innerText", args=[selector]))

    def column(self, head: str) -> list[str]:
        """Return the first line of each cell of a column that is shown."""
        cells = f"[...document.querySelectorAll('#rows td[data-head=\"{head}\"]')]"
        return list(self.evaluate(f"{cells}.map((cell) => cell.firstElementChild.textContent)"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    node = shutil.which("node")
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if node is None:
        pytest.skip("Node.js is not installed")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    if not (NODE_FOLDER / "node_modules").is_dir():
        pytest.skip("tests/browser/node has no node_modules: run make test-browser")
    with subprocess.Popen(
        [node, "driver.mjs", chromium],
        cwd=NODE_FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        yield Browser(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0


def made(count: int) -> list[Row]:
    """Return rows of people who all differ: most are as they asked, every tenth is in another condition."""
    chance = random.Random(count)
    rows = []
    for index in range(count):
        day = f"2026-{1 + index % 9:02}-{1 + index % 28:02}"
        row = Row(
            label=f"sp-{chance.getrandbits(64):016x}",
            domain_id=DOMAINS[index % 3 == 0],
            person="c" * 64,
            nonce="d" * 32,
            ensure="opted_out",
            place=f"config/people-{index % 7}.yaml:{index + 3}",
            requested_on=day if index % 5 else None,
            ticket=f"PRIV-{index}",
            review_on="2026-01-31" if index % 11 == 0 else None,
            listed_at=f"{day}T09:15:00Z",
            listed_in=f"{index // 40:040x}",
            applied_at=f"{day[:8]}28T11:02:10Z",
            status="OPTED_OUT",
            verified_at=MADE_AT,
        )
        if index % 40 == 10:
            row = replace(row, status="ENROLLED", applied_at=None)
        elif index % 40 == 20:
            row = replace(row, ensure=None, place=None, requested_on=None, ticket=None, listed_at=None)
        elif index % 40 == 30:
            row = replace(row, ensure="released", status=None, applied_at=None)
        rows.append(row)
    return sorted(rows, key=lambda row: (row.domain_id, row.label))


def page(folder: Path, rows: list[Row], names: dict[str, str] | None = None) -> Path:
    path = folder / "report.html"
    header = Header("voiceid", "production", MADE_AT, "a" * 40, len(rows), 30, "b7" * 32, "voiceid-optout 1.0")
    with path.open("w", encoding="utf-8") as out:
        write_html(
            out,
            header,
            summarise(rows, header),
            rows,
            root="5f" * 32,
            names=names,
            signature=Signature("7c" * 32, "1" * 128),
        )
    return path


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a hundred people."""
    return page(tmp_path_factory.mktemp("small"), made(100))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a hundred thousand people."""
    return page(tmp_path_factory.mktemp("large"), made(100_000))


@pytest.fixture
def served(small: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of the small page over HTTP, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class names it
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(small.parent)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/report.html", asked
    server.shutdown()
    thread.join()
    server.server_close()
