"""Plain boto3: ``python -m benchmarks.peers.loop opt-out|check FILE [THREADS]``; FILE has an id a line.

As a script for the purpose would be: one client, one call a person, in turn or by a pool of threads with as many
connections. Adaptive retries, because with the default ones a script ends at the first busy moment of the account.
Who is not opted out at a check is opted out.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from benchmarks.people import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Callable


def opt_out(client: Any, speaker_id: str) -> bool:
    """Opt a person out; returns whether it is so."""
    answer = client.opt_out_speaker(DomainId=DOMAIN, SpeakerId=speaker_id)
    return bool(answer["Speaker"]["Status"] == "OPTED_OUT")


def check(client: Any, speaker_id: str) -> bool:
    """Tell whether a person is opted out."""
    answer = client.describe_speaker(DomainId=DOMAIN, SpeakerId=speaker_id)
    return bool(answer["Speaker"]["Status"] == "OPTED_OUT")


def main(work: Callable[[Any, str], bool], file: Path, threads: int) -> None:
    """Do the work for everybody, and print for how many it says yes."""
    speaker_ids = file.read_text(encoding="utf-8").split()
    retries = {"mode": "adaptive", "max_attempts": 50}
    client = boto3.client("voice-id", config=Config(max_pool_connections=threads, retries=retries))
    if threads == 1:
        answers = [work(client, speaker_id) for speaker_id in speaker_ids]
    else:
        with ThreadPoolExecutor(threads) as pool:
            answers = list(pool.map(lambda speaker_id: work(client, speaker_id), speaker_ids))
    print(f"{sum(answers)} of {len(answers)} are opted out")


if __name__ == "__main__":
    main({"opt-out": opt_out, "check": check}[sys.argv[1]], Path(sys.argv[2]), int([*sys.argv[3:], "1"][0]))
