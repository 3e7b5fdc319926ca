import re
from pathlib import Path

from tests.tables import each_row
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.main import main

README = Path(__file__).parents[2] / "README.md"

# What each code is called: the numbers are an interface, and so are these words.
WORDS = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed",
    ExitCode.USAGE: "usage",
    ExitCode.REGISTER_INVALID: "register invalid",
    ExitCode.CHANGES_PLANNED: "changes planned",
    ExitCode.DRIFT: "drift",
    ExitCode.REFUSED: "refused",
    ExitCode.STALE: "stale",
    ExitCode.LOCKED: "locked",
    ExitCode.PARTIAL: "in part",
    ExitCode.OVERDUE: "overdue",
    ExitCode.NOT_VERIFIED: "not verified",
    ExitCode.ENDED: "second ctrl-c",
}


def test_the_numbers_stay() -> None:
    assert [code.value for code in WORDS] == [*range(12), 130]
    assert set(WORDS) == set(ExitCode)


@each_row("code", ExitCode)
def test_the_help_lists_every_code(code: ExitCode) -> None:
    listed = (main.help or "").lower().partition("exit codes:")[2]
    assert re.search(rf"\b{code.value} [^,]*{WORDS[code]}", listed)


@each_row("code", ExitCode)
def test_the_readme_lists_every_code(code: ExitCode) -> None:
    """A row that begins with the number has the words for it."""
    beginning = re.compile(rf"[\s|*`-]*{code.value}\b[\s|*`:—-]")
    rows = [line.lower() for line in README.read_text(encoding="utf-8").splitlines() if beginning.match(line)]
    assert [row for row in rows if all(word in row for word in WORDS[code].split())]


def test_the_readme_lists_no_other_code() -> None:
    table = README.read_text(encoding="utf-8").partition("exit code")[2].split("\n\n")[0]
    assert [int(number) for number in re.findall(r"^\|\s*(\d+)\s*\|", table, re.MULTILINE)] == [*range(12), 130]
