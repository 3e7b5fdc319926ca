"""One test for all rows of a table: pytest's own work for a test takes longer than most rows do.

It is for tests whose rows share nothing that a row could leave changed. Where each row needs files, a service or
patches of its own, ``pytest.mark.parametrize`` stays.
"""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Test = Callable[..., None]


def each_row(names: str | tuple[str, ...], rows: Iterable[Any]) -> Callable[[Test], Test]:
    """Run a test with each row, written as for ``pytest.mark.parametrize``; raises all rows' failures together."""
    columns = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    table = [_values(row, len(columns)) for row in rows]
    assert table, "a table without rows tests nothing"

    def decorate(test: Test) -> Test:
        @wraps(test)
        def every_row(*args: Any, **fixtures: Any) -> None:
            failures: list[Exception] = []
            for values in table:
                row = dict(zip(columns, values, strict=True))
                try:
                    test(*args, **fixtures, **row)
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - all rows are to be told
                    failures.append(_located(error, row))
            if failures:
                raise ExceptionGroup(f"{len(failures)} of {len(table)} rows failed", failures)

        own = inspect.signature(test)
        left = [parameter for name, parameter in own.parameters.items() if name not in columns]
        every_row.__signature__ = own.replace(parameters=left)  # type: ignore[attr-defined]
        return every_row

    return decorate


def _values(row: Any, columns: int) -> tuple[Any, ...]:
    if isinstance(row, type(pytest.param())):
        return tuple(row.values)
    return (row,) if columns == 1 else tuple(row)


def _located(error: BaseException, row: dict[str, Any]) -> Exception:
    """Return the failure with a note of its row."""
    said = error if isinstance(error, Exception) else AssertionError(str(error))
    said.add_note("row: " + ", ".join(f"{name}={value!r}" for name, value in row.items()))
    return said.with_traceback(error.__traceback__)
