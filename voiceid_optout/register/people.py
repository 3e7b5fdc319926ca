"""Make sure that every person is listed once."""

from collections.abc import Iterable

from voiceid_optout.register.codes import Code
from voiceid_optout.register.document import Document, Listed
from voiceid_optout.register.errors import Fault


def find_duplicates(documents: Iterable[tuple[str, Document]]) -> list[Fault]:
    """Return a fault for each entry whose person is listed before; files come with the domain they are about.

    A file whose domain is unknown is judged by itself: its caller gives it a name of its own.
    """
    faults = []
    first: dict[tuple[str, str], Listed] = {}
    for domain_id, document in documents:
        for listed in document.listed:
            earlier = first.setdefault((domain_id, listed.speaker_id), listed)
            if earlier is not listed:
                faults.append(_fault(earlier, listed))
    return faults


def _fault(earlier: Listed, listed: Listed) -> Fault:
    place = f"first listed at {earlier.location}"
    if earlier.ensure is not listed.ensure:
        code = Code.LISTED_AND_RELEASED
        message = f"this person is under 'speakers' and under 'released': decide which, delete the other; {place}"
    elif earlier.location.file == listed.location.file:
        code, message = Code.DUPLICATE_SPEAKER, f"this person is listed twice: keep one; {place}"
    else:
        code = Code.DUPLICATE_ACROSS_FILES
        message = f"this person is listed in another file of the same domain: keep one; {place}"
    return Fault(listed.location, code, message, earlier.location)
