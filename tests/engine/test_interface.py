from pathlib import Path

import pytest

from voiceid_optout.engine.interface import Request, place_of


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://states/prefix?region=eu-central-1&profile=states", "s3://states/prefix"),
        (
            "postgres://somebody:secret@db.example.org:5432/states?sslmode=require",
            "postgres://db.example.org:5432/states",
        ),
        ("https://api.example.org", "https://api.example.org"),
    ],
)
def test_a_backend_is_named_without_what_may_be_secret(url: str, shown: str) -> None:
    assert place_of(url) == shown
    assert Request(root=Path("/a"), stack="dev", backend=Path("/b"), remote_backend=url).place == shown


def test_a_folder_is_its_own_name() -> None:
    assert Request(root=Path("/a"), stack="dev", backend=Path("/b")).place == "/b"
