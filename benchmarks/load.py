"""The service's own maximum: ``python -m benchmarks.load PEOPLE CONNECTIONS`` opts so many people out.

The requests are signed before the clock starts. Printed is JSON: the seconds, and the median and 99th percentile of
an answer's in milliseconds.
"""

from __future__ import annotations

import json
import os
import sys
from urllib.parse import urlsplit

import uvloop
from botocore.session import Session

from benchmarks.people import DOMAIN, speaker_id
from benchmarks.service_load import Target, run


def target() -> Target:
    """Return the endpoint and key of the environment."""
    place = urlsplit(os.environ["AWS_ENDPOINT_URL_VOICE_ID"])
    key = Session().get_credentials()
    return Target(
        str(place.hostname), int(place.port or 0), os.environ["AWS_REGION"], key.access_key, key.secret_key
    )


def main(people: int, connections: int) -> None:
    """Sign, send and print."""
    place = target()
    requests = place.requests(DOMAIN, [speaker_id(number) for number in range(people)])
    result = uvloop.run(run(place, requests, connections))
    if result.failures:
        raise SystemExit(f"{len(result.failures)} requests failed, the first with {result.failures[0][:200]!r}")
    print(json.dumps({"seconds": result.seconds, "p50": result.percentile(0.5), "p99": result.percentile(0.99)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
