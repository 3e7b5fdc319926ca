"""Load a register: read every file, gather every fault, and only then decide."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from voiceid_optout.register.collector import no_collection
from voiceid_optout.register.discover import Source, discover
from voiceid_optout.register.document import Document, Listed, read_document
from voiceid_optout.register.domains import resolve
from voiceid_optout.register.errors import Fault, RegisterInvalid
from voiceid_optout.register.events import Events
from voiceid_optout.register.model import Entry, Register
from voiceid_optout.register.people import find_duplicates
from voiceid_optout.register.scalars import parse_date
from voiceid_optout.register.source import read


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
    documents: list[tuple[str, Document]] = []
    domain_ids: dict[str, str] = {}
    files: list[str] = []
    for shown, data in texts:
        document = read_document(Events(data, shown))
        faults.extend(document.faults)
        domain = resolve(document, domains, default_domain)
        if isinstance(domain, Fault):
            faults.append(domain)
        elif domain is not None:
            domain_ids[shown] = domain
        # A path is never a DomainId, so a file of unknown domain is compared with itself only.
        documents.append((domain if isinstance(domain, str) else f"{shown}/", document))
        files.append(shown)
    faults.extend(find_duplicates(documents))
    if faults:
        raise RegisterInvalid(faults)
    entries = tuple(_entry(domain_id, listed) for domain_id, document in documents for listed in document.listed)
    return Register(entries, tuple(files), domain_ids)


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


def _entry(domain_id: str, listed: Listed) -> Entry:
    details = listed.details
    day = details.get("requested_on")
    return Entry(
        domain_id,
        listed.speaker_id,
        listed.ensure,
        listed.location,
        None if day is None else parse_date(day),
        details.get("reason"),
        details.get("ticket"),
    )
