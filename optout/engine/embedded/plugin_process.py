"""The plugin's process: ``python -m pulumi.dynamic``, as the CLI starts it, held by a lifeline to the engine.

The plugin itself never notices that its engine is gone. Its standard input is a pipe that nobody writes to, so the
end of it means that the engine has ended, however it did.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading


def main() -> None:
    """Run the plugin until it is told to end or the engine is gone."""
    threading.Thread(target=_end_with_the_engine, name="lifeline", daemon=True).start()
    sys.argv = ["pulumi.dynamic"]
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)


def _end_with_the_engine() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
