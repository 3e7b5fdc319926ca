"""What an edit can fail with; the root is the register's own."""

from voiceid_optout.register.errors import RegisterError

_UNUSUAL = (
    "this is written in a way that the command does not edit: give each person a line of their own that begins "
    "with '- ', or change the file by hand"
)


class CannotEdit(RegisterError):  # noqa: N818 - a verdict about a file, as RegisterInvalid is
    """A file is written in a way that no edit of ours can be sure about; nothing was written."""

    def __init__(self, place: str, problem: str = _UNUSUAL) -> None:
        super().__init__(f"{place}: {problem}")
