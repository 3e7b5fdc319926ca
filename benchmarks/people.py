"""A copy of the project with as many invented people as wanted, and a service beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from optout.engine.interface import Request
from optout.service.running import find

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[1]
DOMAIN = "BenchmarkDomain0000000"
STACK = "bench"
_QUOTAS = dict.fromkeys(("optOut", "describe", "delete", "list"), 10**6)
_CONFIG = {"region": "us-east-1", "domain": DOMAIN, "quotas": _QUOTAS}


@contextmanager
def service(folder: Path) -> Iterator[dict[str, str]]:
    """Run the project's service without pacing; yields the environment its clients need."""
    command = [sys.executable, "-m", "optout", "serve", "--data", str(folder), "--port", "0", "--domain", DOMAIN]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise SystemExit("the service does not start")
            running = find(folder)
            if running is None:
                raise SystemExit("the service does not run")
            yield {
                "AWS_ENDPOINT_URL_VOICE_ID": running.url,
                "AWS_SHARED_CREDENTIALS_FILE": str(running.credentials_file),
                "AWS_EC2_METADATA_DISABLED": "true",
                "PULUMI_CONFIG_PASSPHRASE": "benchmark",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_HOME": str(folder.parent / "pulumi-home"),
                "PYTHONPATH": str(PROJECT),
                "PATH": os.environ["PATH"],
            }
        finally:
            process.terminate()


def make(root: Path, count: int) -> Path:
    """Write a project with this many people."""
    (root / "config").mkdir(parents=True)
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(PROJECT / name, root)
    (root / ".venv").symlink_to(sys.prefix)
    settings = "".join(f"  voiceid-optout:{key}: {json.dumps(value)}\n" for key, value in _CONFIG.items())
    (root / f"Pulumi.{STACK}.yaml").write_text(f"config:\n{settings}")
    (root / "state").mkdir()
    write(root, count)
    return root


def write(root: Path, count: int) -> None:
    """Write the register."""
    lines = "".join(f"- caller-{number:06}\n" for number in range(count))
    (root / "config" / "people.yaml").write_text(lines)


def request(root: Path, environment: dict[str, str]) -> Request:
    """Ask for a run on the project that reads nothing from the service."""
    return Request(root=root, stack=STACK, backend=root / "state", environment=environment, refresh=False)


def config() -> dict[str, str]:
    """Return the stack's config as a program gets it: texts, by full name."""
    return {
        f"voiceid-optout:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in _CONFIG.items()
    }
