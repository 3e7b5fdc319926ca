"""Find out which domain a file is about."""

from collections.abc import Mapping
from difflib import get_close_matches

from voiceid_optout.foreign_text import one_line
from voiceid_optout.register.codes import Code
from voiceid_optout.register.document import Document
from voiceid_optout.register.errors import Fault
from voiceid_optout.register.model import Location
from voiceid_optout.speakers import DOMAIN_ID

_SHOWN = 60  # characters of an alias


def resolve(document: Document, domains: Mapping[str, str], default: str | None) -> str | Fault | None:
    """Return the DomainId of a file, or the fault; None if its domain is refused already.

    ``domains`` maps aliases to DomainIds; ``default`` is either of the two, for a file that says nothing.
    """
    if document.domain_unknown:
        return None
    at = document.domain_at or Location(document.file, 1, 1)
    if document.domain is not None:
        return _lookup(document.domain, domains, at, "this alias")
    if default is not None:
        return _lookup(default, domains, at, "the stack's default domain")
    message = "no domain: add 'domain:' to the file, or set 'domain' in the stack's config"
    return Fault(at, Code.NO_DOMAIN, message)


def _lookup(name: str, domains: Mapping[str, str], at: Location, what: str) -> str | Fault:
    """An alias wins over a DomainId of the same letters: whoever defined it meant it."""
    if name not in domains:
        if DOMAIN_ID.fullmatch(name):
            return name
        return Fault(at, Code.UNKNOWN_ALIAS, _unknown(name, domains, what))
    domain_id = str(domains[name])  # from a config file, where digits without quotes are a number
    if not DOMAIN_ID.fullmatch(domain_id):
        message = f"{what} is defined in the stack's config, but not as a domain id (22 letters and digits)"
        return Fault(at, Code.BAD_ALIAS, message)
    return domain_id


def _unknown(name: str, domains: Mapping[str, str], what: str) -> str:
    start = f"{what} is not defined under 'domains' in the stack's config"
    close = get_close_matches(name, domains, n=1)
    if close:
        return f"{start}: did you mean '{one_line(close[0], _SHOWN)}'?"
    if domains:
        return f"{start}; it defines {', '.join(one_line(alias, _SHOWN) for alias in sorted(domains))}"
    return f"{start}, which defines none (a domain id has 22 letters and digits)"
