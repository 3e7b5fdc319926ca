import io

import pytest

from voiceid_optout.cli.encoding import make_tolerant, plain


def written(text: str, encoding: str) -> bytes:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, newline="") as stream:
        make_tolerant(stream)
        stream.write(text)
        stream.flush()
        return raw.getvalue()


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", b". x ... b?ro ?"),
        ("latin-1", "· ± ... büro ?".encode("latin-1")),
        ("utf-8", "· ± … büro 山".encode()),
    ],
)
def test_every_text_can_be_written(encoding: str, expected: bytes) -> None:
    assert written("· ± … büro 山", encoding) == expected


def test_names_that_no_encoding_knows_do_not_stop_the_output() -> None:
    assert written("config/b\udcfcro.yaml", "utf-8") == b"config/b?ro.yaml"


def test_streams_that_are_no_text_files_are_left_alone() -> None:
    stream = io.StringIO()
    make_tolerant(stream, None)
    assert stream.errors is None


def test_only_encoding_can_be_tolerated() -> None:
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid")
    with pytest.raises(UnicodeDecodeError):
        plain(error)
