from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _followed_closely() -> Iterator[None]:
    """Let services look after their keys more often than in earnest, so that nobody waits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voiceid_optout.service.auth.keys.POLL_SECONDS", 0.1)
        yield
