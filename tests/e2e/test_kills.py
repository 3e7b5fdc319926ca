"""Random kills of the engine, the program and the plugin: the state stays readable, and no opt-out is lost.

A few in every run of the tests; ``make test-kills`` does 200. ``OPTOUT_KILLS`` is how many, ``OPTOUT_KILLS_SEED``
repeats a series.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import shutil
import signal
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e import copies
from tests.e2e.commands import Shell, ended, eventually, optout_command
from tests.e2e.services import Service, opted_out, serving
from voiceid_optout.state.checkpoint import parse

if TYPE_CHECKING:
    import subprocess

    from tests.e2e.copies import Copy

KILLS = int(os.environ.get("OPTOUT_KILLS", "3"))
SEED = int(os.environ.get("OPTOUT_KILLS_SEED", str(random.randrange(10**6))))
PEOPLE = [f"caller-{n:06}" for n in range(300)]
# A run takes some seconds: the kill hits any moment from its start to its end.
QUOTAS = {"optOut": 150, "describe": 2000, "delete": 2000, "list": 2000}
LONGEST_SECONDS = 3.5
VICTIMS = {
    "engine": "",
    "program": "voiceid_optout.engine.embedded.program",
    "plugin": "voiceid_optout.engine.embedded.plugin_process",
}
PULUMI = shutil.which("pulumi")


def pid_of(engine: subprocess.Popen[str], victim: str) -> int | None:
    """Return the process to kill; None when it is not there (yet, or any more)."""
    if victim == "engine":
        return engine.pid
    for thread in Path(f"/proc/{engine.pid}/task").glob("*/children"):
        for child in thread.read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            if VICTIMS[victim] in command:
                return int(child)
    return None


def strike(copy: Copy, dice: random.Random) -> str | None:
    """Start ``up`` and kill one of its processes; returns what was killed, None if the run was through before."""
    process = copy.shell.start(*optout_command("up", "--yes", "--no-refresh"))
    victim = dice.choice(list(VICTIMS))
    moment = time.monotonic() + dice.uniform(0.2, LONGEST_SECONDS)
    while time.monotonic() < moment and process.poll() is None:
        time.sleep(0.005)
    try:
        pid = pid_of(process, victim)
    except OSError:  # it ends this moment
        pid = None
    if pid is None or process.poll() is not None:
        assert ended(process).code == 0
        return None
    os.kill(pid, signal.SIGKILL)
    finished = ended(process)
    if victim != "engine" and finished.code == 0:
        return None  # it had done its work
    assert finished.code in ((-signal.SIGKILL,) if victim == "engine" else (1, 9)), finished
    return victim


def look(copy: Copy, number: int) -> None:
    """Read the state as each engine would; the raw CLI every other time, where it is installed."""
    if copy.state_file.exists():
        content = copy.state_file.read_bytes()
        assert json.loads(content)["version"] == 3
        parse(content, "state")
    if PULUMI and number % 2:
        env = shlex.join(optout_command("env"))
        seen = copy.shell.run("/bin/bash", "-c", f'eval "$({env})" && exec pulumi preview --non-interactive')
    else:
        engine = "pulumi" if PULUMI and number % 4 == 2 else "embedded"
        seen = copy.optout("preview", "--no-refresh", "--engine", engine)
    assert seen.code == 0, seen.output


def life(copy: Copy, service: Service, dice: random.Random, killed: Counter[str]) -> None:
    """From nothing to everybody opted out, through kills."""
    copies.write_stack(copy, service.running.url, quotas=QUOTAS)
    known: set[str] = set()
    while sum(killed.values()) < KILLS:
        victim = strike(copy, dice)
        acknowledged = {copy_id for copy_id, status in service.statuses(copy.domain_id).items()}
        assert known <= acknowledged
        known = acknowledged
        eventually(lambda: not copy.shell.processes(), "nothing is left running")
        if victim is None:
            break
        killed[victim] += 1
        look(copy, sum(killed.values()))
    copies.write_stack(copy, service.running.url)
    copy.up()
    assert service.statuses(copy.domain_id) == opted_out(PEOPLE)
    assert {item["id"] for item in copy.resources().values()} == service.resource_ids(copy.domain_id)
    assert "Nothing changed" in copy.up().out


def test_random_kills(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    dice, killed, lives = random.Random(SEED), Counter[str](), 0
    path = f"{Path(PULUMI).parent}:/usr/bin:/bin" if PULUMI else "/usr/bin:/bin"
    with serving(Shell(tmp_path), tmp_path / "data") as service:
        while sum(killed.values()) < KILLS:
            lives += 1
            copy = copies.with_service(tmp_path / str(lives), service, service.new_domain())
            home = {"PATH": path, "PULUMI_HOME": str(tmp_path / "home"), "PULUMI_SKIP_UPDATE_CHECK": "true"}
            copy = replace(copy, shell=replace(copy.shell, variables={**copy.shell.variables, **home}))
            (copy.root / ".venv").symlink_to(sys.prefix)
            copy.write(PEOPLE)
            life(copy, service, dice, killed)
            print(f"{sum(killed.values())} of {KILLS} kills in {lives} lives: {dict(killed)}", flush=True)
