"""A register's lines without what they say about people: their structure is left."""

import re

# At the very left only: further in, the same words may be part of a reason.
_DOMAIN = re.compile(r"""(domain: +(?:\w[\w.-]*|"\w[\w.-]*"|'\w[\w.-]*') *)(?:(# ?).*)?""")
_LINE = re.compile(
    r"([ ]*)((?:- +)?)((?:(?:id|requested_on|reason|ticket|speakers|released|domain):(?: +|$))?)(.*)"
)


def redacted(line: str) -> str:
    """Return a line with each value and comment as ``…``; keys, dashes and indentation stay."""
    match = _LINE.fullmatch(line)
    indent, dash, key, rest = match.groups() if match else ("", "", "", line)
    if rest.strip() in ("", "[]"):
        return line
    if (domain := _DOMAIN.fullmatch(line)) is not None:
        return f"{domain[1]}{domain[2]}…" if domain[2] else line
    return f"{indent}{dash}{key}{'# ' if rest.startswith('#') else ''}…"
