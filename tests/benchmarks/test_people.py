import subprocess
from pathlib import Path

from benchmarks import people
from voiceid_optout.evidence.git_history import listings
from voiceid_optout.register import load


def test_a_committed_register_has_everybody_and_a_history_of_five_hundred(tmp_path: Path) -> None:
    people.make(tmp_path / "project", 0)
    people.commit(tmp_path / "project", 1001)
    config = tmp_path / "project" / "config"
    found = load(config, domains={}, default_domain=people.DOMAIN).entries
    assert sorted(entry.speaker_id for entry in found) == [people.speaker_id(number) for number in range(1001)]
    count = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=config, check=True, capture_output=True)
    assert int(count.stdout) == people.COMMITS == 500
    since = listings(config, config, domains={}, default_domain=people.DOMAIN)
    assert len(since) == 1001
    assert len({listing.commit for listing in since.values()}) == 500
