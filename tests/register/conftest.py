"""What the tests of the register share."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from voiceid_optout.register import Register, load
from voiceid_optout.register.faults import Fault, RegisterInvalid

HERE = Path(__file__).parent
SANDBOX = "UcUuCPFOsAjzg9xoByUatN"
DOMAINS: Mapping[str, str] = {"sandbox": SANDBOX, "other": "0123456789abcdefghijkl", "broken": "nope"}
CASES = sorted(path for path in (HERE / "faults").iterdir())
FILES = sorted(path for path in HERE.rglob("*.y*ml"))


def faults_of(path: Path, default_domain: str | None = None) -> tuple[Fault, ...]:
    try:
        load(path, domains=DOMAINS, default_domain=default_domain)
    except RegisterInvalid as error:
        return error.faults
    return ()


def register_of(folder: Path, text: str) -> Register:
    (folder / "people.yaml").write_text(text, encoding="utf-8")
    return load(folder, domains=DOMAINS, default_domain="sandbox")


@pytest.fixture(params=[yaml.CSafeLoader, yaml.SafeLoader], ids=["libyaml", "python"])
def parser(request: pytest.FixtureRequest) -> Iterator[type]:
    return request.param  # type: ignore[no-any-return]
