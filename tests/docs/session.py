"""A page's commands in one bash, as somebody would type them who reads it from top to bottom."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from tests.e2e.commands import TIMEOUT_SECONDS

if TYPE_CHECKING:
    from types import TracebackType

    from tests.e2e.commands import Shell

_END = "\x1eended "
_SERVE = re.compile(r"optout serve(?! (?:keys|backup|restore)\b)(?P<options>[^&#]*)(?P<background>&?)")
_PORTS = ("8099", "8098")  # the service's and its admin port, as the documentation has them
_ASKS = re.compile(r"^optout up(?!.*--(?:yes|approve|plan|help))")
_PULUMI_ASKS = re.compile(r"\bpulumi up$")
_DIGEST = re.compile(r"Digest: ([0-9a-f]{32})")
_APPROVED = re.compile(r"(?<=--approve )[0-9a-f]{32}\b")
_KEY = re.compile(r"OPTO[A-Z0-9]{16}")
_LOG = "serve.log"


@dataclass
class Session:
    """One bash; what is exported, where one has gone and what runs in the background stays between commands."""

    shell: Shell
    digest: str = ""
    key: str = ""  # the access key made last
    ports: tuple[int, ...] = field(default_factory=lambda: _free(len(_PORTS)))
    _bash: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Self:
        self._bash = self.shell.start(
            *("/bin/bash", "--noprofile", "--norc"), stdin=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=1
        )
        self.run("trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bash.communicate(timeout=TIMEOUT_SECONDS)

    def type(self, text: str) -> tuple[int, str]:
        """Do what a reader does with a command of a page; return its exit code and what it said."""
        for port, free in zip(_PORTS, self.ports, strict=True):
            text = re.sub(rf"\b{port}\b", str(free), text)
        if serve := _SERVE.match(text):
            return self._serve(serve["options"], in_background=bool(serve["background"]))
        if self.digest:
            text = _APPROVED.sub(self.digest, text)
        if self.key:
            text = _KEY.sub(self.key, text)
        if _PULUMI_ASKS.search(text):
            text = f"{text} --yes --skip-preview"
        if _ASKS.match(text):  # there is no terminal for its question
            text = f"{_without_comment(text)} --yes"
        code, said = self.run(text)
        self.digest = ([self.digest, *_DIGEST.findall(said)])[-1]
        self.key = ([self.key, *_KEY.findall(said)])[-1]
        return code, said

    def run(self, text: str) -> tuple[int, str]:
        """Run a command as it is."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        watch = threading.Timer(TIMEOUT_SECONDS, self._bash.kill)
        watch.start()
        try:
            self._bash.stdin.write(f"{{ {text}\n}} </dev/null; printf '\\n{_END}%s\\n' $?\n")
            self._bash.stdin.flush()
            lines: list[str] = []
            for line in self._bash.stdout:
                if line.startswith(_END):
                    said = "".join(lines).removesuffix("\n")
                    assert "Traceback" not in said, said
                    return int(line.removeprefix(_END)), said
                lines.append(line)
        finally:
            watch.cancel()
        raise AssertionError(f"bash ended at: {text}\n{''.join(lines)}")

    def _serve(self, options: str, *, in_background: bool) -> tuple[int, str]:
        """Start a service on free ports and wait for it; one in the foreground takes the place of the one before.

        Who has it in the foreground goes on in a second terminal, after pasting the lines that it prints.
        """
        if not in_background:
            self.run("kill $(jobs -p) 2>/dev/null; wait")
        self.run(f": > {_LOG}")  # here and not in the background: nobody may read what the one before said
        self.run(f"optout serve --port {self.ports[0]} {options} >> {_LOG} 2>&1 &")
        awaited = f"until grep -q AWS_DEFAULT_REGION {_LOG}; do kill -0 $! || break; sleep 0.05; done"
        code, said = self.run(f"{awaited}; cat {_LOG}; kill -0 $!")
        if not in_background:
            self.run("\n".join(line for line in said.splitlines() if line.startswith("  export ")) or ":")
        return code, said


def _free(count: int) -> tuple[int, ...]:
    """Return ports that nobody has: a service that is started anew must be found where it was."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return tuple(each.getsockname()[1] for each in sockets)


def _without_comment(text: str) -> str:
    return shlex.join(shlex.split(text, comments=True))
