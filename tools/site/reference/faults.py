"""The faults of ``optout validate``, from their table in the code."""

from tools.site.reference.tables import code, table
from voiceid_optout.register.faults import ABOUT, Level

_HEAD = """# Faults of a register

What `optout validate` may find, as `file:line:column: code: message`. All faults of all files come at once, and the
exit code is 3. Scripts may rely on the codes. [The register](../register.md) shows the format.
"""


def faults_page() -> str:
    """Return a section a level: how much must be read before the fault shows."""
    sections = [_HEAD]
    for level in Level:
        rows = [(code(each), about.meaning, about.remedy) for each, about in ABOUT.items() if about.level is level]
        sections += [f"## {level.name.capitalize()}", f"Here {level.value}.", table(("code", "means", "do"), rows)]
    return "\n\n".join(sections) + "\n"
