"""One walk through the domain, as everything that reads everybody does it: ``python -m benchmarks.walk``."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing

from benchmarks.people import DOMAIN, config
from voiceid_optout.voiceid.client import Client
from voiceid_optout.voiceid.settings import ClientSettings


def main() -> None:
    """List everybody and print the seconds it took, on the clock and of the processor, imports aside."""
    texts = {key.rpartition(":")[2]: value for key, value in config().items()}
    with closing(Client(ClientSettings.resolve(texts, os.environ))) as client:
        started, spent = time.perf_counter(), time.process_time()
        people = sum(map(len, client.list_pages(DOMAIN)))
        took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - spent}
    print(json.dumps({**took, "people": people}))


if __name__ == "__main__":
    main()
