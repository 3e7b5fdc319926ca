from pathlib import Path

import pytest

from voiceid_optout.state import StackLockedError


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        (Path("/state/.pulumi/locks/a.json"), "run `optout unlock` for this stack; it removes /state/"),
        ("the lock in s3://states/prefix", "run `pulumi cancel`; it removes the lock in s3://states/prefix"),
    ],
)
def test_a_lock_names_what_removes_it(path: Path | str, remedy: str) -> None:
    error = StackLockedError("sam@host (pid 7)", "today", path)
    assert str(error).startswith("the stack is locked by sam@host (pid 7) since today. Wait for that run to end. ")
    assert f"If it is gone for good, {remedy}" in str(error)
