"""Links as the repository has them, turned into links of the site. Pure, and imported by mkdocs' own Python."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_FENCE = re.compile(r"^ *(```+|~~~+)")
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\[\]]*)\]\((?P<path>[^()\s#:]+)(?P<anchor>#[^()\s]*)?\)")


def relink(markdown: str, source: str, pages: Mapping[str, str], repository: str) -> str:
    """Return a page's Markdown with links that lead to where things are on the site.

    ``source`` is the page's path in the repository, ``pages`` has the site's own paths by those of the repository.
    What is on no page leads to ``repository``, the project's address at its forge; without one only the words stay.
    Fenced code is left alone.
    """
    closes, lines = "", []
    for line in markdown.split("\n"):
        fence = _FENCE.match(line)
        if fence and closes:
            closes = "" if fence[1].startswith(closes) else closes
        elif fence:
            closes = fence[1]
        lines.append(line if fence or closes else _relinked(line, source, pages, repository))
    return "\n".join(lines)


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
