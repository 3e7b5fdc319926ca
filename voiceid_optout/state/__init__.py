"""What can go wrong with a stack's files (project, stack file, state, journal, lock, history) and with a run.

One root, one class a cause; both engines raise them.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class StackError(Exception):
    """Root of this package's errors. The message is one sentence or two: what happened, what to do."""


class ProjectError(StackError):
    """Pulumi.yaml or a stack file is missing or cannot be read."""


class PassphraseError(StackError):
    """The passphrase that protects the stack's secrets is missing or wrong."""


class StateError(StackError):
    """The state file cannot be read, is inconsistent, or could not be written."""


class UntrustedStateError(StateError):
    """The state, or a journal, names code that is neither ours nor the program's."""


class OutOfScope(Enum):
    """Everything that the embedded engine refuses by name. docs/engines.md lists them, made from here.

    Each has the words of the refusal, and what is meant. The first ones are found before the run starts, those from
    ``RESOURCE_TYPE`` on when the program asks for them.
    """

    RUNTIME = ("the runtime {} of {}", "A program that is not in Python.")
    PROJECT_SETTING = ("`{}` of Pulumi.yaml", "`main`, `packages`, `plugins` and `requiredPulumiVersion`.")
    SECRETS_PROVIDER = ("the secrets provider of {}", "The stack's secrets are not sealed with a passphrase.")
    ENVIRONMENT = ("the `environment` of {}", "The stack takes config from Pulumi ESC.")
    STATE_SECRETS = ("the secrets provider {}", "The state's secrets are not sealed with a passphrase.")
    STATE_COMPRESSED = ("a compressed state ({})", "The CLI wrote the state with `PULUMI_DIY_BACKEND_GZIP`.")
    STATE_FEATURES = (
        "the state uses {}",
        "A state of version 4: with hooks, a taint or their like.",
    )
    STATE_RESOURCE = ("resource type {} in the state", "The state has a resource of another package.")
    RESOURCE_TYPE = ("resource type {}", "A resource of another package, or a provider as a resource.")
    PROVIDER = ("the provider of {}", "The options `provider` and `providers`.")
    VERSION = ("the provider version {} of {}", "The option `version`.")
    PLUGIN_SOURCE = ("the plugin's source for {}", "The option `plugin_download_url`.")
    PACKAGE = ("the package {}", "A package with parameters.")
    COMPONENT_REMOTE = ("remote component {}", "A component that a plugin makes.")
    COMPONENT_INPUTS = ("inputs of the component {}", "A component that is given inputs as a resource is.")
    COMPONENT_ALIASES = ("aliases of the component {}", "Aliases of a component: its children would need them too.")
    BELOW_ALIAS = ("{} below {}, found by an alias", "A resource below one that was found by an alias.")
    IMPORT = ("import of {}", "The option `import_`.")
    READ = ("a read of {} by its id", "The option `id`, and `get`.")
    FUNCTION = ("the function {}", "A function of a provider.")
    METHOD = ("the method {}", "A method of a resource.")
    TRANSFORM = ("transforms of {}", "The option `transforms`.")
    STACK_TRANSFORM = ("transforms of the whole stack", "Transforms of all resources, or of all functions.")
    HOOK = ("resource hooks of {}", "The option `hooks`.")
    STACK_HOOK = ("the hook {}", "A `ResourceHook` or an `ErrorHook`, in use or not.")
    REPLACEMENT = ("replace_with and replacement_trigger of {}", "`replace_with` and `replacement_trigger`.")
    STATE_MIGRATION = ("state migrations of {}", "The option `state_migrations`.")
    READ_TIMEOUT = ("the timeout for reads of {}", "A `CustomTimeouts` with `read`.")
    PROPERTY_PATH = (
        "the property path {} of {}",
        "A path into a map or a list, in `ignore_changes` or its like.",
    )
    OTHER_OPTION = ("`{}` of {}", "Every other option, those of newer SDKs included.")
    RESOURCE_VALUE = ("the resource {} as a value", "A resource as an input, or as an output of a component.")
    ASSET_VALUE = ("an asset or archive as a value", "A file or a text that the CLI keeps with its hash.")
    OTHER_VALUE = ("a value of the kind {}", "Every other value that the SDK marks, those of newer SDKs included.")
    CALL = ("the call {}", "Every other call, those of newer SDKs included.")

    @property
    def words(self) -> str:
        """The beginning of the refusal, with ``{}`` where names stand."""
        return self.value[0]

    @property
    def about(self) -> str:
        """What is meant, for people."""
        return self.value[1]


class OutOfScopeError(StackError):
    """Something only the Pulumi CLI can do was asked of the embedded engine."""

    def __init__(self, kind: OutOfScope, *names: str) -> None:
        self.kind = kind
        what = kind.words.format(*names)
        super().__init__(f"{what}: the embedded engine does not do this; install the Pulumi CLI for it")


class ProgramError(StackError):
    """The Pulumi program ended with an error; the message is the program's own."""


class InterruptedRunError(StackError):
    """The run was interrupted; what it had done is kept."""

    def __init__(self) -> None:
        super().__init__("interrupted; what was done is kept")


class PluginError(StackError):
    """The provider plugin did not start or went away."""


class StackLockedError(StackError):
    """Another run holds the stack's lock."""

    def __init__(self, holder: str, since: str, path: Path | str) -> None:
        self.holder = holder
        self.since = since
        self.path = path
        # A text stands for a place where only the Pulumi CLI gets at the lock.
        remedy = "`pulumi cancel`" if isinstance(path, str) else "`optout unlock` for this stack"
        super().__init__(
            f"the stack is locked by {holder} since {since}. Wait for that run to end. "
            f"If it is gone for good, run {remedy}; it removes {path}"
        )
