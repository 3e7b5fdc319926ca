"""Property values as protobuf Structs: what the SDK and the provider plugin send and take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import struct_pb2

from voiceid_optout import urn as urns
from voiceid_optout.state import OutOfScope, OutOfScopeError, values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voiceid_optout.state.values import PropertyMap

    _Marked = Callable[[str, Mapping[str, struct_pb2.Value]], None]


def from_struct(struct: struct_pb2.Struct) -> PropertyMap:
    """Read what the plugin answers; members that are null at the top are dropped, as the official engine does."""
    return _from_struct(struct, _kept)


def from_program(struct: struct_pb2.Struct) -> PropertyMap:
    """Read what the program sends, in the same way; raises :class:`OutOfScopeError` for what only the CLI keeps."""
    return _from_struct(struct, _refused)


def _kept(_: str, __: Mapping[str, struct_pb2.Value]) -> None:
    """Take a value of any kind as it is: what a provider has done must not be lost."""


def _refused(signature: str, fields: Mapping[str, struct_pb2.Value]) -> None:
    if signature == values.RESOURCE_SIGNATURE:
        # The CLI keeps it as a reference; as an id or a URN it would differ at each change of engine.
        raise OutOfScopeError(OutOfScope.RESOURCE_VALUE, urns.name(fields["urn"].string_value))
    if signature in (values.ASSET_SIGNATURE, values.ARCHIVE_SIGNATURE):
        raise OutOfScopeError(OutOfScope.ASSET_VALUE)
    raise OutOfScopeError(OutOfScope.OTHER_VALUE, signature)


def _from_struct(struct: struct_pb2.Struct, marked: _Marked) -> PropertyMap:
    return {
        key: _from_value(value, marked)
        for key, value in struct.fields.items()
        if value.WhichOneof("kind") not in ("null_value", None)
    }


def _from_value(value: struct_pb2.Value, marked: _Marked) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            return values.normal_number(value.number_value)
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_from_value(item, marked) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            if values.SIGNATURE_KEY in fields:
                signature = fields[values.SIGNATURE_KEY].string_value
                if signature == values.SECRET_SIGNATURE:
                    return values.Secret(_from_value(fields["value"], marked))
                marked(signature, fields)
            return {key: _from_value(item, marked) for key, item in fields.items()}
        case _:
            return None


def to_struct(properties: Mapping[str, Any], *, keep_secrets: bool = False) -> struct_pb2.Struct:
    """Write a Struct; secrets go as plain values unless the receiver takes them marked."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        _fill(struct.fields[key], value, keep_secrets)
    return struct


def _fill(target: struct_pb2.Value, value: Any, keep_secrets: bool) -> None:  # noqa: FBT001
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, values.Secret):
        if keep_secrets:
            target.struct_value.fields[values.SIGNATURE_KEY].string_value = values.SECRET_SIGNATURE
            _fill(target.struct_value.fields["value"], value.value, keep_secrets)
        else:
            _fill(target, value.value, keep_secrets)
    elif isinstance(value, list):
        target.list_value.SetInParent()
        for item in value:
            _fill(target.list_value.values.add(), item, keep_secrets)
    else:
        target.struct_value.SetInParent()
        for key, item in value.items():
            _fill(target.struct_value.fields[key], item, keep_secrets)
