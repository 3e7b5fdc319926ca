"""The documentation says what the code says."""

import re
from pathlib import Path

import pytest

from tests.register.conftest import register_of
from voiceid_optout.register.faults import ABOUT, Code
from voiceid_optout.register.fields import FILE_KEYS, SPEAKERS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "register.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)


def test_every_code_is_explained_in_the_order_of_the_codes() -> None:
    assert list(ABOUT) == list(Code)


def test_the_table_in_the_documentation_is_the_table_in_the_code() -> None:
    wanted = [
        f"| `{code}` | {about.level.name.lower()} | {about.meaning} | {about.remedy} |"
        for code, about in ABOUT.items()
    ]
    shown = DOCUMENT.split("| code | seen in |")[1].split("\n\n")[0].splitlines()[2:]
    assert shown == wanted, (
        "docs/register.md: replace the rows of the table by those of voiceid_optout/register/faults.py"
    )


def test_every_key_is_documented() -> None:
    assert re.findall(r"^\| `(\w+)` \| (?:the file|an entry)", DOCUMENT, re.MULTILINE) == [
        *FILE_KEYS,
        *SPEAKERS.by_name,
    ]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_are_valid(example: str, tmp_path: Path) -> None:
    assert register_of(tmp_path, example).files


def test_there_are_examples_to_check() -> None:
    assert sum("released:" in example for example in EXAMPLES) == 1
    assert len(EXAMPLES) == 3
