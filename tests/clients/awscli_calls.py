"""Runs calls of the AWS CLI, read by the line, within one Python: the CLI itself, without its start for each.

It runs in the environment that has the CLI, which knows nothing of this project.
"""

import contextlib
import io
import json
import re
import sys
from typing import Any

from awscli.clidriver import create_clidriver  # type: ignore[import-not-found]

_ERROR = re.compile(r"An error occurred \((\w+)\) when calling the \w+ operation[^:]*: (.*)", re.DOTALL)


def call(driver: Any, operation: str, given: dict[str, Any]) -> dict[str, Any]:
    """Run one command and return what it printed."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", operation).lower()
    raw = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(stream, write_through=True) for stream in raw)
    command = ["voice-id", name, "--cli-input-json", json.dumps(given), "--output", "json", "--no-paginate"]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = driver.main(command)
    printed, complaint = (stream.getvalue().decode() for stream in raw)
    if status == 0:
        return {"output": json.loads(printed) if printed.strip() else {}}
    found = _ERROR.search(complaint)
    if found is None:
        return {"error": "unknown", "message": complaint}
    return {"error": found[1], "typed": status == 255, "message": found[2].strip()}


def main() -> None:
    driver = create_clidriver()
    for line in sys.stdin:
        wanted = json.loads(line)
        answer = call(driver, wanted["operation"], wanted["input"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
