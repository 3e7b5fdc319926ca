"""A report, and right before it one walk through the domain: ``python -m benchmarks.report_run OPTION...``.

Prints JSON: the seconds of the walk, imports aside, and those of the whole command ``optout report OPTION...``,
on the clock and of the processor.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from contextlib import closing

from benchmarks.people import DOMAIN, config
from voiceid_optout.voiceid.client import Client
from voiceid_optout.voiceid.settings import ClientSettings


def main(options: list[str]) -> None:
    """Walk, report, and print."""
    texts = {key.rpartition(":")[2]: value for key, value in config().items()}
    with closing(Client(ClientSettings.resolve(texts, os.environ))) as client:
        started, spent = time.perf_counter(), time.process_time()
        people = sum(map(len, client.list_pages(DOMAIN)))
        walk, walk_cpu = time.perf_counter() - started, time.process_time() - spent
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "voiceid_optout", "report", *options], stdout=sys.stderr, check=True)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "walk": walk, "walk_cpu": walk_cpu}
    print(json.dumps({**told, "people": people}))


if __name__ == "__main__":
    main(sys.argv[1:])
