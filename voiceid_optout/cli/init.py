"""``optout init``: a repository for a register, made of the templates of the package, and kept up with them."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from contextlib import suppress
from dataclasses import replace as changed
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli import git
from voiceid_optout.cli.config import full_key, new_key, store
from voiceid_optout.cli.connection import require_service
from voiceid_optout.cli.context import LABEL_KEY
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.init_files import (
    DEFAULT_REGION,
    PRODUCTION,
    SANDBOX_STACK,
    AnswerInvalid,
    Answers,
    Forge,
    current_version,
    exports,
    option,
    render,
    stack_file,
    yours,
)
from voiceid_optout.cli.init_folder import (
    RECORD,
    Record,
    create,
    held,
    occupied,
    read,
    read_record,
    replace,
    sha256,
)
from voiceid_optout.cli.init_questions import ask, passphrase
from voiceid_optout.cli.options import require_answer
from voiceid_optout.cli.output import confirmed, echo, reported
from voiceid_optout.voiceid.place import PASSPHRASE

if TYPE_CHECKING:
    from collections.abc import Mapping

_UPGRADABLE = ("forge", "backend", "workflows", "owners", "branch")


@click.command(name="init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option(
    "--sandbox", is_flag=True, help="Bring a service of its own and sample people: for a look. Asks nothing."
)
@click.option("--name", help="The project's name.  [default: the folder's]")
@click.option("--endpoint", metavar="URL", help="Where the Voice ID-compatible service is.")
@click.option("--region", help=f"The region that requests are signed for.  [default: {DEFAULT_REGION}]")
@click.option("--domain-id", help="The domain's id, as the service gave it.")
@click.option("--stack", help=f"The stack's name.  [default: {PRODUCTION}; {SANDBOX_STACK} with --sandbox]")
@click.option(
    "--forge",
    type=click.Choice([forge.value for forge in Forge]),
    help="Where the repository is, for its pipeline.  [default: none]",
)
@click.option(
    "--backend", metavar="URL", help="Where the state is, such as s3://bucket.  [default: the folder .optout]"
)
@click.option(
    "--workflows", metavar="OWNER/NAME@COMMIT", help="The pipeline to call: voiceid-optout's own repository."
)
@click.option("--owners", metavar="@TEAM", help="Who owns the files in CODEOWNERS; several in one argument.")
@click.option("--branch", help="The branch that is applied.  [default: the present one, or main]")
@click.option("--diff", "only_diff", is_flag=True, help="Show what would be written, and write nothing.")
@click.option(
    "--upgrade", is_flag=True, help="Bring the files of an earlier init up to the templates of this version."
)
@click.option("-y", "--yes", is_flag=True, help="Ask nothing; needed if nobody can answer.")
def command(folder: Path, *, only_diff: bool, upgrade: bool, yes: bool, **given: Any) -> None:
    """Make a repository for a register: the project, a stack, config/ and the pipeline.

    FOLDER is empty, or a new Git repository; it is made if it is not there. On a terminal this asks for what the
    options do not say. Nothing that is there is overwritten: either all files are written, or none.

    A stack that is no sandbox gets a random key for its labels, sealed with the passphrase in
    PULUMI_CONFIG_PASSPHRASE, or with one that you type.

    With --upgrade the files change that nobody has edited since they were written. For the others it shows what
    to change by hand.

    \b
    Example: a first look
      $ optout init --sandbox
      $ optout up

    \b
    Example: the real thing
      $ optout init register --endpoint https://voiceid.example.org --domain-id UcUuCPFOsAjzg9xoByUatN

    Exit codes: 0 done, 1 failed, 2 wrong usage, or a file is in the way, 8 another init works in the folder.
    """  # noqa: D301 - click's own mark for "do not wrap"
    with reported():
        try:
            if upgrade:
                _upgrade(folder, given, only_diff=only_diff, yes=yes)
            else:
                _begin(folder, given, only_diff=only_diff, asks=not yes and _is_terminal())
        except AnswerInvalid as error:
            raise CommandError(str(error), ExitCode.USAGE) from None
        except OSError as error:
            raise CommandError(f"cannot work in {folder}: {error.strerror}") from None


def _is_terminal() -> bool:
    return bool(sys.stdin and sys.stdin.isatty())


def _begin(folder: Path, given: Mapping[str, Any], *, only_diff: bool, asks: bool) -> None:
    root = folder.resolve()
    if (record := read_record(root)) is not None and not only_diff:
        raise CommandError(
            f"{RECORD} is there: optout init {record.version} has made this folder. `optout init --upgrade` brings "
            f"its files to {current_version()}; nothing was written",
            ExitCode.USAGE,
        )
    answers = ask(root, given, asks=asks)
    texts = render(answers)
    if only_diff:
        for path, text in texts.items():
            _show(path, read(root, path), text)
        if not answers.is_sandbox:
            echo(f"{stack_file(answers)} also gets an encryptionsalt and a random labelKey.", err=True)
        return
    if answers.is_sandbox:
        require_service()
    environment = dict(os.environ)
    typed = not answers.is_sandbox and passphrase(environment, asks=asks)
    _write(root, answers, texts, environment)
    echo(f"Wrote {len(texts) + 1} files{'' if root == Path.cwd() else f' in {folder}'}.")
    echo(_next(folder, answers, typed=typed))


def _write(root: Path, answers: Answers, texts: Mapping[str, str], environment: Mapping[str, str]) -> None:
    ours = {path: sha256(text) for path, text in texts.items() if path not in yours(answers)}
    texts = {**texts, RECORD: Record(current_version(), answers, ours).text}
    is_new = not root.exists()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"cannot make {root}: {error.strerror}") from None
    try:
        with held(root):
            _require_room(root, texts)
            create(root, texts, lambda staging: _seal(staging, answers, environment))
    except BaseException:
        if is_new:
            with suppress(OSError):  # somebody else has put something there
                root.rmdir()
        raise


def _require_room(root: Path, texts: Mapping[str, str]) -> None:
    if taken := occupied(root, texts):
        be, them = ("is", "it") if len(taken) == 1 else ("are", "them")
        raise CommandError(
            f"{', '.join(taken)} {be} there already: move {them} away, or choose another folder (--diff shows what "
            "would be written); nothing was written",
            ExitCode.USAGE,
        )


def _seal(folder: Path, answers: Answers, environment: Mapping[str, str]) -> None:
    """Read the files back as every command does, and give the labels of a stack their key."""
    context = contexts.find(folder, answers.stack, environment)
    _ = context.register
    if not answers.is_sandbox:
        name = full_key(context, LABEL_KEY)
        store(context, {name: new_key()}, secret=frozenset({name}))


def _next(folder: Path, answers: Answers, *, typed: bool) -> str:
    """Return what to type now, for what was chosen."""
    there = shlex.quote(str(folder) if not str(folder).startswith("-") else f"./{folder}")
    lines = [] if folder.resolve() == Path.cwd() else [f"cd {there}"]
    stack = "" if answers.stack == SANDBOX_STACK else f" --stack {answers.stack}"
    if answers.is_sandbox:
        return f"Next: {' && '.join([*lines, f'optout up{stack}'])}"
    lines += [line for line in exports(answers) if typed or not line.startswith(f"export {PASSPHRASE}=")]
    lines += [f"optout {word}{stack}" for word in ("doctor", "up")]
    remote = answers.backend and not answers.backend.startswith("file:")
    notes = ["This backend needs the Pulumi CLI on PATH."] if remote and not shutil.which("pulumi") else []
    if typed:
        notes.append("Keep the passphrase where others find it: without it nobody opens the state.")
    if answers.forge is not Forge.NONE:
        notes.append("Then commit everything. README.md says how to set up the pipeline.")
    return "\n".join(["Next:", *(f"  {line}" for line in lines), *notes])


def _show(path: str, old: str | None, new: str) -> None:
    """Print the difference between a file and what it would become."""
    before = f"a/{path}" if old is not None else "/dev/null"
    lines = unified_diff((old or "").splitlines(), new.splitlines(), before, f"b/{path}", lineterm="")
    for line in lines:
        echo(line)


def _show_by_hand(root: Path, path: str, rendered: str | None, present: str | None, new: str) -> None:
    """Show what changed in the template of an edited file or, where no commit has the old text, in the file."""
    base = git.earlier(root, os.environ, path, lambda data: sha256(data.decode(errors="replace")) == rendered)
    what = "this is what it would become" if base is None else "this has changed in what it was made of"
    echo(f"\nSomebody has edited {path}; {what}. Change by hand what you want of it.")
    _show(path, present if base is None else base.decode(), new)


def _upgrade(folder: Path, given: Mapping[str, Any], *, only_diff: bool, yes: bool) -> None:
    root = folder.resolve()
    record = _record(root)
    if not only_diff:
        require_answer(yes=yes)
    answers = _upgraded(record.answers, given)
    with held(root):
        texts = {path: text for path, text in render(answers).items() if path not in yours(answers)}
        new = Record(current_version(), answers, {path: sha256(text) for path, text in texts.items()})
        found = {path: read(root, path) for path in texts}
        write, by_hand = _sorted_out(record, new, found)
        for path in write:
            _show(path, found[path], texts[path])
        for path in by_hand:
            _show_by_hand(root, path, record.files.get(path), found[path], texts[path])
        dropped = sorted(path for path in record.files.keys() - texts.keys() if read(root, path) is not None)
        if dropped:
            echo(f"No longer made: {', '.join(dropped)}. Remove what you do not need.")
        if answers.workflows and answers.workflows_version != current_version():
            stays = f"The pipeline stays at version {answers.workflows_version}"
            echo(f"{stays}; --workflows OWNER/NAME@COMMIT moves it too.", err=True)
        if not (write or by_hand or dropped):
            echo(f"Nothing changes: the files are those of voiceid-optout {current_version()}.")
        if only_diff or new == record:
            return
        if write and not yes and not confirmed(f"Write {_count(len(write))}?"):
            raise CommandError("not confirmed; nothing was written", ExitCode.USAGE)
        replace(root, {**{path: texts[path] for path in write}, RECORD: new.text})
    echo(f"Wrote {_count(len(write))}, and {RECORD}.")
    echo(
        "Next: look at it (`git diff`), commit it on a branch, open a pull request. Its preview must change nobody."
    )


def _record(root: Path) -> Record:
    record = read_record(root)
    if record is None:
        raise CommandError(f"no {RECORD} in {root}: `optout init` has not made this folder", ExitCode.USAGE)
    if _parts(record.version) > _parts(current_version()):
        raise CommandError(
            f"the files are of version {record.version}, and this is {current_version()}: install the newer one",
            ExitCode.USAGE,
        )
    return record


def _upgraded(answers: Answers, given: Mapping[str, Any]) -> Answers:
    """Return the answers with what the options change of them."""
    options = {name: value for name, value in given.items() if value}
    if fixed := sorted(options.keys() - set(_UPGRADABLE)):
        names = ", ".join(map(option, fixed))
        raise CommandError(
            f"{names}: --upgrade does not change that; see Pulumi.yaml and `optout config`", ExitCode.USAGE
        )
    if "forge" in options:
        options["forge"] = Forge(options["forge"])
    if "workflows" in options:
        options["workflows_version"] = current_version()
    return changed(answers, **options)


def _sorted_out(record: Record, new: Record, found: Mapping[str, str | None]) -> tuple[list[str], list[str]]:
    """Return the files to write, and those to change by hand: they were edited, and their template changed too."""
    write, by_hand = [], []
    for path, digest in new.files.items():
        text, rendered = found[path], record.files.get(path)
        present = None if text is None else sha256(text)
        if digest in (present, rendered):
            continue
        # One that is new in this version is written; one that somebody removed stays away.
        if present == rendered:
            write.append(path)
        elif present is not None:
            by_hand.append(path)
    return write, by_hand


def _parts(version: str) -> tuple[int, ...]:
    """Return a version's numbers, to compare it."""
    return tuple(int(part) for part in version.split(".")[:3] if part.isdecimal())


def _count(number: int) -> str:
    return "1 file" if number == 1 else f"{number:,} files"
