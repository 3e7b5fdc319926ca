"""Real processes: what they use is known beforehand."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.people import PROJECT
from benchmarks.process import Run, busy_seconds, run

_SPIN = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass"
_FILL = "import time; block = b'x' * {}; time.sleep(0.4)"
_MEASURE = """found = run([sys.executable, '-c', {!r}], cwd=Path(), environment={{}}, timeout=600)
print(found.peak, found.tree)"""
_CHILD = "import subprocess, sys; subprocess.{}([sys.executable, '-c', {!r}])"


def python(code: str, timeout: float = 600) -> Run:
    return run([sys.executable, "-c", code], cwd=Path(), environment={}, timeout=timeout)


def test_processor_time_of_children_counts() -> None:
    child = _CHILD.format("run", _SPIN.format(0.3))
    found = python(child)
    assert found.status == 0
    assert 0.3 <= found.cpu < 2


def test_processor_time_of_a_process_left_behind_counts() -> None:
    left = _CHILD.format("Popen", _SPIN.format(0.3)) + "; import time; time.sleep(0.25)"
    assert python(left).cpu >= 0.3


def test_memory_of_the_largest_and_of_all() -> None:
    size = 50_000_000
    both = _CHILD.format("Popen", _FILL.format(size)) + f"; {_FILL.format(size)}"
    # In a small process: what a child begins as, before it is another program, is its parent's memory.
    measure = f"from benchmarks.process import run; from pathlib import Path; import sys\n{_MEASURE.format(both)}"
    done = subprocess.run([sys.executable, "-c", measure], capture_output=True, text=True, check=True, cwd=PROJECT)
    peak, tree = map(int, done.stdout.split())
    assert size <= peak < 2 * size <= tree


def test_what_takes_too_long_is_ended() -> None:
    found = python(_CHILD.format("run", "import time; time.sleep(60)"), timeout=0.5)
    assert found.status is None
    assert found.wall < 20


def test_output_is_kept() -> None:
    found = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (found.status, found.out, found.err) == (3, "out\n", "err\n")


def test_a_run_that_is_stopped_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(pid: int, _options: int) -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "wait4", interrupted)
    with pytest.raises(KeyboardInterrupt):
        python(f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_machine_works_at_least_as_much_as_we_do() -> None:
    before = busy_seconds()
    found = python(_SPIN.format(0.3))
    assert busy_seconds() - before >= found.cpu - 0.1
