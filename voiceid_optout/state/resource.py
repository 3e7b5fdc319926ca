"""One resource as the state file holds it (``apitype.ResourceV3`` of the official engine)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from voiceid_optout import urn as urns
from voiceid_optout.state import values
from voiceid_optout.state.trust import IDENTIFIERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from voiceid_optout.state.values import PropertyMap

# Key in the file -> attribute, in the order the official engine writes them; empty ones are left out.
_KEYS = {
    "delete": "delete",
    "id": "id",
    "type": "type",
    "inputs": "inputs",
    "outputs": "outputs",
    "parent": "parent",
    "protect": "protect",
    "external": "external",
    "dependencies": "dependencies",
    "initErrors": "init_errors",
    "provider": "provider",
    "propertyDependencies": "property_dependencies",
    "pendingReplacement": "pending_replacement",
    "additionalSecretOutputs": "additional_secret_outputs",
    "aliases": "aliases",
    "customTimeouts": "custom_timeouts",
    "retainOnDelete": "retain_on_delete",
    "deletedWith": "deleted_with",
    "created": "created",
    "modified": "modified",
    "sourcePosition": "source_position",
    "ignoreChanges": "ignore_changes",
    "hideDiff": "hide_diff",
    "replaceOnChanges": "replace_on_changes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceState:
    """A resource's last known state. Times are RFC 3339 texts, timeouts are seconds."""

    urn: str
    custom: bool
    type: str
    id: str = ""
    inputs: PropertyMap = field(default_factory=dict, repr=False)
    outputs: PropertyMap = field(default_factory=dict, repr=False)
    parent: str = ""
    provider: str = ""
    protect: bool = False
    delete: bool = False
    external: bool = False
    pending_replacement: bool = False
    retain_on_delete: bool = False
    dependencies: tuple[str, ...] = ()
    init_errors: tuple[str, ...] = ()
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    hide_diff: tuple[str, ...] = ()
    deleted_with: str = ""
    created: str = ""
    modified: str = ""
    source_position: str = ""

    def __post_init__(self) -> None:
        """Seal what identifies people, whoever left it in clear: it is never written or shown otherwise."""
        key = IDENTIFIERS.get(self.type)
        if key is None:
            return
        for part in ("inputs", "outputs"):
            properties = getattr(self, part)
            if key in properties and not isinstance(properties[key], values.Secret):
                object.__setattr__(self, part, {**properties, key: values.Secret(properties[key])})

    @property
    def is_provider(self) -> bool:
        """Whether this is a provider's own entry."""
        return self.type.startswith(urns.PROVIDER_TYPE_PREFIX)

    @property
    def uses(self) -> tuple[str, ...]:
        """URNs that must stand before this resource: parent, provider, dependencies."""
        provider = (self.provider.rsplit("::", 1)[0],) if self.provider else ()
        parent = (self.parent,) if self.parent else ()
        deleted_with = (self.deleted_with,) if self.deleted_with else ()
        properties = tuple(urn for many in self.property_dependencies.values() for urn in many)
        return parent + provider + self.dependencies + properties + deleted_with


def sealed(resource: ResourceState) -> ResourceState:
    """Return the resource with every output secret that has to be: by its options, or because its input is."""
    wanted = {
        key
        for key, value in resource.outputs.items()
        if not isinstance(value, values.Secret)
        and (key in resource.additional_secret_outputs or isinstance(resource.inputs.get(key), values.Secret))
    }
    if not wanted:
        return resource
    outputs = {key: values.Secret(value) if key in wanted else value for key, value in resource.outputs.items()}
    return replace(resource, outputs=outputs)


def to_json(resource: ResourceState, encrypt: Callable[[str], str]) -> dict[str, Any]:
    """Return the resource as the state file writes it.

    A secret text that is put out as it came in is sealed once: the identifiers of a million people are such texts.
    """
    document: dict[str, Any] = {"urn": resource.urn, "custom": resource.custom}
    for key, attribute in _KEYS.items():
        value = getattr(resource, attribute)
        if not value:
            continue
        if key == "inputs":
            value = values.encode(value, encrypt)
        elif key == "outputs":
            repeated = _repeated(value, resource.inputs, document.get("inputs", {}))
            value = values.encode({**value, **repeated}, encrypt)
        document[key] = list(value) if isinstance(value, tuple) else value
    return document


def from_json(document: dict[str, Any], decrypt: Callable[[str], str]) -> ResourceState:
    """Read a resource of the state file; keys this engine does not know are dropped, as the CLI does."""
    attributes: dict[str, Any] = {"urn": document["urn"], "custom": document.get("custom", False)}
    for key, attribute in _KEYS.items():
        value = document.get(key)
        if not value:
            continue
        if key == "inputs":
            value = values.decode(value, decrypt)
        elif key == "outputs":
            inputs = attributes.get("inputs", {})
            repeated = _repeated(value, document.get("inputs") or {}, inputs)
            value = values.shared(values.decode({**value, **repeated}, decrypt), inputs)
        attributes[attribute] = tuple(value) if isinstance(value, list) else value
    attributes.setdefault("type", urns.type_of(document["urn"]))
    return ResourceState(**attributes)


def _repeated(outputs: PropertyMap, inputs: PropertyMap, done: PropertyMap) -> PropertyMap:
    """Return what was made of the inputs, for each secret among the outputs that an input has as well.

    In clear only texts count: of other values equal ones may differ, such as 1 and true.
    """
    return {
        name: done[name]
        for name, item in outputs.items()
        if (values.is_sealed(item) or (isinstance(item, values.Secret) and isinstance(item.value, str)))
        and inputs.get(name) == item
    }


def has_identifier_in_clear(document: dict[str, Any]) -> bool:
    """Tell whether a resource of the state file has what identifies people in clear."""
    key = IDENTIFIERS.get(document.get("type") or urns.type_of(document["urn"]), "")
    parts = (document.get(part) or {} for part in ("inputs", "outputs"))
    return any(key in part and not values.is_sealed(part[key]) for part in parts)
