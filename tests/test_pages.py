import base64
import hashlib
import re
from pathlib import Path

from voiceid_optout import pages


def test_a_page_adds_its_rules_behind_the_shared_ones(tmp_path: Path) -> None:
    own = tmp_path / "own.css"
    own.write_text("h1 { margin: 1rem; }\n", encoding="utf-8")
    shared = pages.style()
    assert pages.style(own) == f"{shared}\nh1 {{ margin: 1rem; }}\n"
    assert not re.search(r"@import|url\(|//|<", shared)


def test_only_this_style_and_this_script_apply() -> None:
    found = dict(part.strip().split(" ", 1) for part in pages.policy("a{}", "go()").split(";"))
    assert found == {
        "default-src": "'none'",
        "style-src": source("a{}"),
        "script-src": source("go()"),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_without_a_script_none_runs() -> None:
    assert "script-src" not in pages.policy("a{}")


def source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
