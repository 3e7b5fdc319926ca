"""What every HTML page of ours has in common: one look, and a policy under which nothing is loaded.

A page is one file without anything external, so it takes its style in. Its own rules stand in a file beside the
module that writes the page, and use the colours that ``page.css`` names.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

_SHARED = Path(__file__).with_name("page.css")


def style(*own: Path) -> str:
    """Return the shared rules, and behind them those of a page's own files."""
    return "\n".join(path.read_text(encoding="utf-8") for path in (_SHARED, *own))


def policy(style: str, script: str = "") -> str:
    """Return the content security policy of a page with this one style and, if any, this one script.

    Nothing is loaded, and nothing else applies or runs even if it got past the escaping.
    """
    runs = f" script-src {_source(script)};" if script else ""
    return (
        f"default-src 'none'; style-src {_source(style)};{runs} img-src data:; base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
