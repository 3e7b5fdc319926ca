"""``optout verify``: whether reports and receipts are as they were written, and by whom."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.options import cwd_option, with_options
from voiceid_optout.cli.output import echo, reported
from voiceid_optout.cli.people_input import line_or_input
from voiceid_optout.foreign_text import one_line
from voiceid_optout.state.project import load_project, name_problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voiceid_optout.evidence import Header
    from voiceid_optout.evidence.verification import Verified

_SHOWN = 80  # characters of a foreign text in a line
_DIGITS = 64  # of a public key and of a root


def _digits(_context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(value.strip().lower() for value in given)
    if not all(len(one) == _DIGITS and set(one) <= set("0123456789abcdef") for one in found):
        what = "a root" if parameter.name == "roots" else "a public key"
        raise click.BadParameter(f"{what} is {_DIGITS} hexadecimal digits")
    return found


@click.command(name="verify")
@with_options(cwd_option)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    metavar="KEY",
    callback=_digits,
    help="A key that you trust. Repeatable.  [default: those of the stack file, if --cwd has it]",
)
@click.option(
    "--root",
    "roots",
    multiple=True,
    metavar="ROOT",
    callback=_digits,
    help="A root that you know from elsewhere, such as a summary. The files are of that report or lead to it.",
)
@click.option("--id", "person", metavar="ID|-", help="Check that each receipt is about this person; - reads it.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json is one object with what was found of each file.",
)
def command(files: tuple[Path, ...], **options: Any) -> None:
    """Check reports and receipts: each byte, the proofs, the signature. Nothing is asked of anybody else.

    It needs no stack, no passphrase and no network. Several files are also checked as a chain, the oldest first:
    each report names the root of the one before it, so a missing one is seen.

    A file that is not signed shows only that it is whole. It counts as verified if no public key is known here.

    \b
    Example
      $ optout verify report.json
      $ optout verify monday.json tuesday.json wednesday.json
      $ optout verify receipt.json --public-key KEY --id -

    Exit codes: 0 verified, 1 failed, 2 wrong usage or a file that is neither report nor receipt, 11 not verified.
    """  # noqa: D301 - click's own mark for "do not wrap"
    with reported():
        person = None if options["person"] is None else line_or_input(options["person"], "the id")
        checks = [_check(path, person) for path in files]
        is_chain = _check_chain(checks)
        _check_makers(checks, options)
        if options["form"] == "json":
            echo(json.dumps(_as_json(checks), indent=2))
        else:
            for check in checks:
                echo("\n".join(check.lines()))
        _judge(checks, person)
        if is_chain and options["form"] == "text":
            echo(f"The {len(checks)} files follow one another, and none is missing between them.")


@dataclass
class _Check:
    """What is found of one file; ``code`` is DONE while nothing is wrong with it."""

    path: Path
    verified: Verified | None = None
    vouched_by: str = ""
    problem: str = ""
    code: ExitCode = ExitCode.DONE

    def refuse(self, problem: str, code: ExitCode = ExitCode.NOT_VERIFIED) -> None:
        """Keep what is wrong; the first thing counts."""
        if not self.problem:
            self.problem, self.code = problem, code

    def lines(self) -> Iterator[str]:
        """Yield what to print, the verdict first."""
        found = self.verified
        if self.problem:
            verdict = "NOT VERIFIED" if self.code is ExitCode.NOT_VERIFIED else "not checked"
            yield f"{self.path}: {verdict}: {self.problem}"
        if found is None:
            return
        header, receipt = found.header, found.receipt
        if not self.problem:
            what = f"the receipt of {receipt.row.label}" if receipt else f"a report of {header.people:,} people"
            yield f"{self.path}: verified: {what}"
        yield f"  stack    {one_line(header.project, _SHOWN)}/{one_line(header.stack, _SHOWN)}"
        yield f"  made     {one_line(header.made_at, _SHOWN)}"
        yield f"  root     {found.root}"
        yield f"  follows  {header.previous or 'no report before it'}"
        signer = "nobody" if found.signature is None else found.signature.public_key
        otherwise = "it is whole, but nothing here says who made it"
        yield f"  signed   by {signer}, {self.vouched_by or otherwise}"

    def as_json(self) -> dict[str, Any]:
        """Return the same for programs."""
        found = self.verified
        members: dict[str, Any] = {
            "file": str(self.path),
            "verified": not self.problem,
            "problem": self.problem or None,
        }
        if found is None:
            return members
        return {
            **members,
            "kind": "report" if found.receipt is None else "receipt",
            "label": None if found.receipt is None else found.receipt.row.label,
            "project": found.header.project,
            "stack": found.header.stack,
            "made_at": found.header.made_at,
            "people": found.header.people,
            "root": found.root,
            "previous": found.header.previous,
            "signed_by": None if found.signature is None else found.signature.public_key,
            "vouched_by": self.vouched_by or None,
        }


def _check(path: Path, person: str | None) -> _Check:
    from voiceid_optout.evidence.verification import NeitherError, NotVerified, verify  # noqa: PLC0415 - not for --help

    check = _Check(path)
    try:
        with path.open("rb") as file:
            found = verify(file)
    except NotVerified as error:
        check.refuse(str(error))
    except NeitherError as error:
        check.refuse(str(error), ExitCode.USAGE)
    except OSError as error:
        check.refuse(f"it cannot be read: {error.strerror}", ExitCode.USAGE)
    else:
        check.verified = found
        if person is not None and found.receipt is not None and not found.receipt.is_of(person):
            check.refuse("it is not about the person with this id, or its opening was changed or left out")
    return check


def _check_makers(checks: Sequence[_Check], options: dict[str, Any]) -> None:
    """Refuse the files that nobody known vouches for; a known root vouches for those before it in the chain too."""
    leading = set(options["roots"])
    for check in reversed(checks):
        if (found := check.verified) is None:
            continue
        if found.root in leading:
            leading |= {found.header.previous or ""}
            check.vouched_by = "and --root leads to it"
        elif leading:
            check.refuse("its root is not the one of --root, and does not lead to it")
        else:
            keys, named = _trusted(options, found.header)
            if (problem := found.unvouched(keys)) is not None:
                check.refuse(problem)
            elif found.signature is not None:
                check.vouched_by = named


def _trusted(options: dict[str, Any], header: Header) -> tuple[Sequence[str], str]:
    """Return the public keys that count for a file's stack, and who names them."""
    if options["public_keys"]:
        return options["public_keys"], "which --public-key names"
    root: Path = options["root"]
    if name_problem(header.stack) is not None:
        return (), ""
    settings = root / f"Pulumi.{header.stack}.yaml"
    if not ((root / "Pulumi.yaml").is_file() and settings.is_file()):
        return (), ""
    if load_project(root).name != header.project:
        return (), ""
    context = contexts.find(root, header.stack)
    return context.config.report_public_keys, f"which {settings.name} names"


def _check_chain(checks: Sequence[_Check]) -> bool:
    """Refuse the files that do not follow the one before them; returns whether all follow one another."""
    from voiceid_optout.evidence.verification import breaks  # noqa: PLC0415 - not for --help

    whole = [(check, check.verified) for check in checks if check.verified is not None]
    broken = list(breaks([found for _, found in whole]))
    for number, problem in broken:
        whole[number][0].refuse(problem)
    return len(whole) == len(checks) > 1 and not broken


def _as_json(checks: Sequence[_Check]) -> dict[str, Any]:
    return {
        "verified": all(check.code is ExitCode.DONE for check in checks),
        "files": [check.as_json() for check in checks],
    }


def _judge(checks: Sequence[_Check], person: str | None) -> None:
    """Raise :class:`CommandError` unless every file is verified."""
    failed = [check for check in checks if check.problem]
    if any(check.code is ExitCode.NOT_VERIFIED for check in failed):
        raise CommandError(f"{len(failed)} of {len(checks)} not verified", ExitCode.NOT_VERIFIED)
    if failed:
        raise CommandError(f"{len(failed)} of {len(checks)} could not be checked", ExitCode.USAGE)
    if person is not None and not any(check.verified and check.verified.receipt for check in checks):
        raise CommandError("--id is compared with receipts, and none was given", ExitCode.USAGE)
