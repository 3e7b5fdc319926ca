"""A register's lines without what they say about people: their structure is left."""

import re

_LINE = re.compile(
    r"([ ]*)((?:- +)?)((?:(?:id|requested_on|reason|ticket|speakers|released|domain):(?: +|$))?)(.*)"
)


def redacted(line: str) -> str:
    """Return a line with each value and comment as ``…``; keys, dashes and indentation stay."""
    match = _LINE.fullmatch(line)
    indent, dash, key, rest = match.groups() if match else ("", "", "", line)
    if rest.strip() in ("", "[]") or key.startswith("domain:"):
        return line
    return f"{indent}{dash}{key}{'# ' if rest.startswith('#') else ''}…"
