"""The program alone: what the SDK costs whatever the engine. ``python -m benchmarks.floor ROOT``."""

from __future__ import annotations

import asyncio
import os
import runpy
import sys
from typing import Any, cast

import pulumi
from pulumi.runtime import MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_in_stack

from benchmarks.people import STACK, config


class _Nothing(Mocks):
    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return "id", dict(args.inputs)

    def call(self, _: Any) -> Any:
        return {}


def _program() -> None:
    runpy.run_path("__main__.py", run_name="__main__")


def main(root: str) -> None:
    """Run the program of the project."""
    os.chdir(root)
    sys.path.insert(0, root)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    set_mocks(_Nothing(), project="voiceid-optout", stack=STACK, preview=True)
    set_root_resource(cast("Any", None))  # the mocks made a stack, which cannot run an async program
    pulumi.runtime.set_all_config(config())
    loop.run_until_complete(run_in_stack(_program))


if __name__ == "__main__":
    main(sys.argv[1])
