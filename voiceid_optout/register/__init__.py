"""The register: YAML files that name the people who must not be recognised by voice.

To load it is to read every file, resolve domains, find duplicates, gather every fault, and only then decide.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import chain
from pathlib import Path

from voiceid_optout.foreign_text import one_line
from voiceid_optout.memory import no_collection
from voiceid_optout.register.document import Document, Entry, read_document
from voiceid_optout.register.events import MAX_FAULTS, Events
from voiceid_optout.register.faults import ABOUT, Code, Fault, Location, RegisterError, RegisterInvalid
from voiceid_optout.register.sources import Source, discover, read
from voiceid_optout.speakers import DOMAIN_ID, Ensure

__all__ = [
    "ABOUT",
    "Code",
    "Ensure",
    "Entry",
    "Fault",
    "Location",
    "Register",
    "RegisterError",
    "RegisterInvalid",
    "fingerprints",
    "load",
    "load_paths",
]


@dataclass(frozen=True, slots=True)
class Register:
    """All entries, in the order of files and lines, the files they came from, and the DomainId of each file.

    ``fingerprints`` are SHA-256 of the texts that were read, by file: see :func:`fingerprints`.
    """

    entries: tuple[Entry, ...] = field(repr=False)
    files: tuple[str, ...]
    domain_ids: Mapping[str, str] = field(default_factory=dict, repr=False)
    fingerprints: Mapping[str, str] = field(default_factory=dict, repr=False)

    def count(self, ensure: Ensure) -> int:
        """How many entries ask for this."""
        return sum(1 for entry in self.entries if entry.ensure is ensure)


def load(directory: Path, *, domains: Mapping[str, str], default_domain: str | None) -> Register:
    """Load the register in a directory (``*.yaml`` and ``*.yml``, not recursive) or one file.

    ``domains`` maps aliases to DomainIds. ``default_domain``, an alias or a DomainId, is for files that name
    none. Raises RegisterInvalid with all faults of all files; places read ``config/people.yaml:3:5``, from
    the directory's own name on.
    """
    return load_paths([(directory, None)], domains=domains, default_domain=default_domain)


def load_paths(
    paths: Sequence[tuple[Path, Path | None]], *, domains: Mapping[str, str], default_domain: str | None
) -> Register:
    """Load one register from several places, each with the prefix to show its files with (see discover)."""
    sources, faults = find_sources(paths)
    return load_texts(read_all(sources, faults), faults, domains=domains, default_domain=default_domain)


@no_collection()
def load_texts(
    texts: Iterable[tuple[str, bytes]],
    faults: list[Fault],
    *,
    domains: Mapping[str, str],
    default_domain: str | None,
) -> Register:
    """Load one register from texts (name to show, UTF-8) and say at the end what was wrong, ``faults`` included.

    ``texts`` is consumed one by one and may add to ``faults`` on its way, as :func:`read_all` does.
    """

    def domain_id_of(document: Document) -> str:
        found = resolve(document, domains, default_domain)
        return found if isinstance(found, str) else ""  # a fault, which is told when the whole file is read

    documents: list[tuple[str, Document]] = []
    domain_ids: dict[str, str] = {}
    found: dict[str, str] = {}
    for shown, data in texts:
        found[shown] = _fingerprint(data)
        document = read_document(Events(data, shown), domain_id_of)
        faults.extend(document.faults)
        domain = resolve(document, domains, default_domain)
        if isinstance(domain, Fault):
            faults.append(domain)
        elif domain is not None:
            domain_ids[shown] = domain
        # A path is never a DomainId, so a file of unknown domain is compared with itself only.
        documents.append((domain if isinstance(domain, str) else f"{shown}/", document))
    faults.extend(find_duplicates(documents))
    if faults:
        raise RegisterInvalid(faults)
    return Register(
        tuple(chain.from_iterable(document.listed for _, document in documents)), tuple(found), domain_ids, found
    )


def fingerprints(directory: Path) -> dict[str, str]:
    """Return those that a register loaded from there now would have; a file that cannot be read has none."""
    sources, _ = find_sources([(directory, None)])
    return {shown: _fingerprint(data) for shown, data in read_all(sources, [])}


def _fingerprint(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_all(sources: Iterable[Source], faults: list[Fault]) -> Iterator[tuple[str, bytes]]:
    """Yield each file's name and text; what cannot be read goes to ``faults``."""
    for source in sources:
        try:
            yield source.shown, read(source)
        except RegisterInvalid as error:
            faults.extend(error.faults)


def find_sources(paths: Iterable[tuple[Path, Path | None]]) -> tuple[list[Source], list[Fault]]:
    """Return the files at several places, by the names they are shown with, and what is wrong with the places.

    A file named twice (by itself and by its directory, by a link within its directory) is there once.
    """
    sources: dict[Path, Source] = {}
    faults: list[Fault] = []
    for path, prefix in paths:
        found, wrong = discover(path, prefix)
        faults.extend(wrong)
        for source in found:
            sources.setdefault(_identity(source), source)
    return sorted(sources.values(), key=lambda source: source.shown), list(dict.fromkeys(faults))


def _identity(source: Source) -> Path:
    """Return the one path of a file; of a link that must not be followed, the link's own."""
    try:
        path = source.path.resolve()
    except RuntimeError:  # before Python 3.13, for a link in a circle
        return source.path.absolute()
    return path if path.is_relative_to(source.root) else source.root / source.path.name


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


def find_duplicates(documents: Sequence[tuple[str, Document]]) -> list[Fault]:
    """Return a fault for each entry whose person is listed before, up to MAX_FAULTS and one that says so.

    Files come with the domain they are about. A file whose domain is unknown is judged by itself: its caller gives
    it a name of its own.
    """
    by_domain: defaultdict[str, list[Document]] = defaultdict(list)
    for domain_id, document in documents:
        by_domain[domain_id].append(document)
    affected = {domain_id for domain_id, those in by_domain.items() if _is_anybody_listed_twice(those)}
    faults: list[Fault] = []
    first: defaultdict[str, dict[str, Entry]] = defaultdict(dict)
    for domain_id, document in documents:
        known = first[domain_id]
        for listed in document.listed if domain_id in affected else ():
            earlier = known.setdefault(listed.speaker_id, listed)
            if earlier is listed:
                continue
            if len(faults) == MAX_FAULTS:  # one such line could otherwise cost a kilobyte, for each three bytes
                message = f"more than {MAX_FAULTS} entries of people who are listed before: the rest is not shown"
                return [*faults, Fault(listed.location, Code.TOO_MANY_FAULTS, message)]
            faults.append(_duplicate_fault(earlier, listed))
    return faults


def _is_anybody_listed_twice(documents: Sequence[Document]) -> bool:
    """Tell whether it is so. Nearly always it is not, and to find that out takes half the time of who it is."""
    ids = {entry.speaker_id for document in documents for entry in document.listed}
    return len(ids) != sum(len(document.listed) for document in documents)


def _duplicate_fault(earlier: Entry, listed: Entry) -> Fault:
    place = f"first listed at {earlier.location}"
    if earlier.ensure is not listed.ensure:
        code = Code.LISTED_AND_RELEASED
        message = f"this person is under 'speakers' and under 'released': decide which, delete the other; {place}"
    elif earlier.file == listed.file:
        code, message = Code.DUPLICATE_SPEAKER, f"this person is listed twice: keep one; {place}"
    else:
        code = Code.DUPLICATE_ACROSS_FILES
        message = f"this person is listed in another file of the same domain: keep one; {place}"
    return Fault(listed.location, code, message, earlier.location)
