"""Values and secrets in a stack's file, changed by ``optout`` with and without the Pulumi CLI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voiceid_optout.cli.context import require_shell
from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.known import StateSealedError, raw_state
from voiceid_optout.files import read_json
from voiceid_optout.state import passphrase
from voiceid_optout.state import project as projects
from voiceid_optout.state.stack_file import Sealed, change_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.cli.context import Context
    from voiceid_optout.state.passphrase import Crypter


def full_key(context: Context, key: str) -> str:
    """Return a key with its namespace: without one it is the project's, as the CLI has it."""
    return key if ":" in key else f"{context.project.name}:{key}"


def crypter_of(context: Context) -> Crypter:
    """Return what seals the stack's secrets; a stack that has none yet gets a salt, which is stored in its file.

    Raises :class:`CommandError` for a sandbox, and :class:`voiceid_optout.state.StackError` where the
    passphrase is missing or wrong.
    """
    if context.is_sandbox:
        raise CommandError(
            f"{context.settings.path.name} is a sandbox, whose passphrase is public: a secret of it would be none",
            ExitCode.USAGE,
        )
    require_shell(context)
    phrase = passphrase.find(context.environment)
    salt = context.settings.salt or _salt_of_state(context)
    crypter = passphrase.open_with(phrase, salt) if salt else passphrase.create(phrase)
    if context.settings.salt is None:
        projects.store_salt(context.settings, crypter.salt_text)
    return crypter


def _salt_of_state(context: Context) -> str | None:
    """Return the salt that the state was sealed with: the file may have lost its own."""
    try:
        document = read_json(raw_state(context, context.environment) or b"{}")
        latest = document.get("deployment") or document.get("checkpoint", {}).get("latest") or {}
        return str(latest["secrets_providers"]["state"]["salt"])
    except (StateSealedError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def store(context: Context, values: Mapping[str, str | None], *, secret: frozenset[str] = frozenset()) -> None:
    """Set values, or remove those that are None, in one write; those named in ``secret`` are sealed.

    Keys are full ones. Raises what :func:`crypter_of` raises, and
    :class:`voiceid_optout.state.ProjectError` for a file that cannot be changed.
    """
    crypter = crypter_of(context) if secret else None
    change_config(
        context.settings.path,
        {
            key: Sealed(crypter.encrypt(value)) if crypter and value is not None and key in secret else value
            for key, value in values.items()
        },
        context.project.name,
    )
