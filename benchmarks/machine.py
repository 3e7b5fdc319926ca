"""Facts about the machine and the versions, without anything that names it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks.commands import AWS_CLI
from tests.service.cluster import binaries

_GB = 1e9


def tools() -> frozenset[str]:
    """Return which of the optional commands are there: pulumi, aws, postgres."""
    found = {"pulumi"} if shutil.which("pulumi") else set()
    if os.environ.get(AWS_CLI):
        found.add("aws")
    if binaries() is not None:
        found.add("postgres")
    return frozenset(found)


def facts() -> dict[str, str]:
    """Return the machine's facts by name, for the head of the tables."""
    there = tools()
    return {
        "processors": f"{os.cpu_count()} x {_processor()}",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / _GB:.0f} GB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        "boto3": version("boto3"),
        "pulumi (Python SDK)": version("pulumi"),
        "Pulumi CLI": _first_word(["pulumi", "version"]) if "pulumi" in there else "not there",
        "AWS CLI": _aws_cli() if "aws" in there else "not there",
    }


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return " ".join(found[1].split()) if found else platform.machine()


def _aws_cli() -> str:
    return _first_word([os.environ[AWS_CLI], "-m", "awscli", "--version"]).removeprefix("aws-cli/")


def _first_word(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout.split() or ["unknown"])[0]
