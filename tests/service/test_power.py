"""Loss of power at any moment of a service on SQLite: whatever was answered with success is in the database.

strace records what the service does to its files. Each thing that a crash may then leave on a disk that forgets
what was not synced is opened with SQLite. PostgreSQL has the same proof of its own, and is not asked here; that its
commits wait for the disk is tested in tests/service/db/test_postgres.py.
"""

import random
import re
import shutil
import signal
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests import torture
from tests.forgetful_disk import Log, Operation, Tree, crashes, lay_out, marks
from tests.service import traced
from tests.service.running import SANDBOX, START, TIMEOUT, Service
from voiceid_optout.service.data_folder import find, load_credentials

PEOPLE, CLIENTS = 120, 6
ANSWER = re.compile(rb'"CustomerSpeakerId": ?"([^"]+)"')


def traces() -> bool:
    """Tell whether strace is here, and may trace."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


def life(root: Path, output: Path) -> None:
    """Run a service from its first start to its end, with people who opt out side by side."""
    data = root / "data"
    words = [*traced.command(output), *START, "--data", str(data), "--port", "0", *SANDBOX]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Ready")
        running = find(data)
        assert running is not None
        service = Service(running, data)
        domain, client = service.new_domain(), service.client()

        def opt_out(number: int) -> None:
            client.opt_out_speaker(DomainId=domain, SpeakerId=f"caller-{number:06}")

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(opt_out, range(PEOPLE)))
        client.close()
        # Not strace, which would leave the service alone.
        subprocess.run(["kill", f"-{signal.SIGTERM.value}", str(running.pid)], check=True)
        process.stdout.read()
        process.wait(TIMEOUT)


def replayed(root: Path, output: Path) -> Log:
    """Return the log of the folder, in which a mark is somebody who was told of success."""
    replay, told = traced.Replay(root), list[tuple[int, str]]()
    with output.open(encoding="ascii") as lines:
        for position, sent in replay.take(iter(lines)):
            if (found := ANSWER.search(sent)) and b'"OPTED_OUT"' in sent:  # head and body may come one by one
                told.append((position, found[1].decode()))
    for shift, (position, person) in enumerate(told):
        replay.log.operations.insert(position + shift, Operation(mark=person))
    return replay.log


def kept(tree: Tree, folder: Path) -> set[str]:
    """Return who is opted out in a database that a crash has left."""
    if not tree.get("data/voiceid.db"):
        return set()
    lay_out({name: content for name, content in tree.items() if not name.endswith("-shm")}, folder)
    with closing(sqlite3.connect(folder / "data" / "voiceid.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "speakers" not in tables:
            return set()
        rows = database.execute("SELECT customer_id FROM speakers WHERE status = 'OPTED_OUT'").fetchall()
    return {row[0] for row in rows}


@pytest.mark.skipif(not traces(), reason="needs strace, which must be allowed to trace")
def test_power_lost_under_load(tmp_path: Path, memory: Path) -> None:
    budget = torture.budget("service-power")
    dice = random.Random(budget.seed)
    root = tmp_path / "root"
    root.mkdir()
    life(root, tmp_path / "calls")
    keys = load_credentials(root / "data")
    log = replayed(root, tmp_path / "calls")
    everybody = set(marks(log, len(log.operations)))
    assert len(everybody) == PEOPLE
    disk_states = 0
    more = 1 + budget.count // len(log.operations)
    share = budget.count / len(log.operations) / (2 + more)
    for count, tree in crashes(log, dice, more, share):
        disk_states += 1
        told = set(marks(log, count))
        assert told <= kept(tree, memory / "crash"), count
        if told:
            (memory / "crash" / "data" / "credentials").chmod(0o600)
            assert load_credentials(memory / "crash" / "data") == keys
        shutil.rmtree(memory / "crash", ignore_errors=True)
    assert disk_states
    budget.record(operations=len(log.operations), databases_opened=disk_states, opt_outs_lost=0)
