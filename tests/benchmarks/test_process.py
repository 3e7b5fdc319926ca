"""Real processes: what they use is known beforehand."""

import sys
from pathlib import Path

from benchmarks.process import Run, run

_SPIN = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass"
_FILL = "import time; block = b'x' * {}; time.sleep(0.4)"
_CHILD = "import subprocess, sys; subprocess.{}([sys.executable, '-c', {!r}])"


def python(code: str, timeout: float = 30) -> Run:
    return run([sys.executable, "-c", code], cwd=Path(), environment={}, timeout=timeout)


def test_processor_time_of_children_counts() -> None:
    child = _CHILD.format("run", _SPIN.format(0.3))
    found = python(child)
    assert found.status == 0
    assert 0.3 <= found.cpu < 2


def test_processor_time_of_a_process_left_behind_counts() -> None:
    left = _CHILD.format("Popen", _SPIN.format(0.5)) + "; import time; time.sleep(0.3)"
    assert python(left).cpu >= 0.5


def test_memory_of_the_largest_and_of_all() -> None:
    size = 50_000_000
    both = _CHILD.format("Popen", _FILL.format(size)) + f"; {_FILL.format(size)}"
    found = python(both)
    assert size <= found.peak < 2 * size
    assert found.tree >= 2 * size


def test_what_takes_too_long_is_ended() -> None:
    found = python(_CHILD.format("run", "import time; time.sleep(60)"), timeout=0.5)
    assert found.status is None
    assert found.wall < 20


def test_output_is_kept() -> None:
    found = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (found.status, found.out, found.err) == (3, "out\n", "err\n")
