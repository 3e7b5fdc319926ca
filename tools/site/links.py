"""Markdown as the repository has it, turned into what the site wants, its links above all; pure."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FENCE = re.compile(r"^ *(```+|~~~+)")
_CODE = re.compile(r"`[^`]+`")
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\[\]]*)\]\((?P<path>[^()\s#:]+)(?P<anchor>#[^()\s]*)?\)")


def relink(markdown: str, source: str, pages: Mapping[str, str], repository: str) -> str:
    """Return a page's Markdown with links that lead to where things are on the site.

    ``source`` is the page's path in the repository, ``pages`` has the site's own paths by those of the repository.
    What is on no page leads to ``repository``, the project's address at its forge; without one only the words stay.
    Fenced code is left alone; bars in the code of tables lose the backslash that only forges want.
    """
    closes, lines = "", []
    for line in markdown.split("\n"):
        fence = _FENCE.match(line)
        if fence and closes:
            closes = "" if fence[1].startswith(closes) else closes
        elif fence:
            closes = fence[1]
        lines.append(line if fence or closes else _relinked(_unescaped(line), source, pages, repository))
    return "\n".join(lines)


def _unescaped(line: str) -> str:
    """Return a table's row with plain bars in code: forges want a backslash there, Python-Markdown shows it."""
    if not line.startswith("|"):
        return line
    return _CODE.sub(lambda span: span[0].replace(r"\|", "|"), line)


def _relinked(line: str, source: str, pages: Mapping[str, str], repository: str) -> str:
    folder, here = posixpath.dirname(source), posixpath.dirname(pages[source])

    def replaced(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link["path"]))
        if target in pages:
            address = posixpath.relpath(pages[target], here or ".") + (link["anchor"] or "")
        elif target.startswith("docs/"):  # of the site, or wrong: mkdocs tells
            return link[0]
        elif repository:
            address = f"{repository.rstrip('/')}/blob/HEAD/{target}"
        else:
            return link["text"]
        return f"{link['image']}[{link['text']}]({address})"

    return _LINK.sub(replaced, line)
