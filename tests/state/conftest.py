"""Crypters that are derived once a session: a derivation takes a third of a second."""

import pytest

from tests.engine.bench import PASSPHRASE, SEALED
from voiceid_optout.state.passphrase import Crypter, create  # itself, and not what a test puts in its place


@pytest.fixture(scope="session")
def crypter() -> Crypter:
    """The crypter of the sample's salt."""
    return SEALED


@pytest.fixture(scope="session")
def other_crypter() -> Crypter:
    """One of the same passphrase, with a salt of its own."""
    return create(PASSPHRASE)
