"""Clients behind one interface: boto3 in this process, others as child processes that speak JSON by the line."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.clients.life import Answer
from tests.service.running import TIMEOUT, Service


class Boto3:
    """The AWS SDK for Python."""

    shows_members = True

    def __init__(self, service: Service) -> None:
        self._client = service.client(config=Config(retries={"total_max_attempts": 1}))

    def answer(self, operation: str, given: dict[str, Any]) -> Answer:
        try:
            output = getattr(self._client, xform_name(operation))(**given)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            return Answer(
                error=code,
                typed=isinstance(error, getattr(self._client.exceptions, code)),
                message=error.response["Error"]["Message"],
                conflict=error.response.get("ConflictType"),
                resource=error.response.get("ResourceType"),
            )
        return Answer({name: value for name, value in output.items() if name != "ResponseMetadata"})


@dataclass(frozen=True)
class Lines:
    """A program that reads one call a line and writes one answer a line.

    In: ``operation`` and ``input``. Out: ``output``, or ``error`` and what else an ``Answer`` has.
    """

    process: "subprocess.Popen[str]"
    shows_members: bool = True

    def answer(self, operation: str, given: dict[str, Any]) -> Answer:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"operation": operation, "input": given}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the client ended at {operation}"
        found = json.loads(line)
        known = ("output", "error", "typed", "message", "conflict", "resource")
        return Answer(**{name: found[name] for name in known if found.get(name) is not None})


@contextmanager
def lines(
    command: Sequence[str], environment: dict[str, str], folder: Path, *, shows_members: bool = True
) -> Iterator[Lines]:
    """Run such a program for the time of the block."""
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        try:
            yield Lines(process, shows_members)
        finally:
            process.stdin.close()
            try:
                process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
