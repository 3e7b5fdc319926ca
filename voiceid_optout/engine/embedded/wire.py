"""Property values on the wire: protobuf Structs, as the SDK and the provider plugin speak them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf import struct_pb2

from voiceid_optout import urn as urns
from voiceid_optout.state import values
from voiceid_optout.state.errors import OutOfScopeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.state.values import PropertyMap


def from_struct(struct: struct_pb2.Struct) -> PropertyMap:
    """Read a Struct; members that are null at the top are dropped, as the official engine does."""
    return {
        key: _from_value(value)
        for key, value in struct.fields.items()
        if value.WhichOneof("kind") not in ("null_value", None)
    }


def _from_value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            return values.normal_number(value.number_value)
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            signature = fields[values.SIGNATURE_KEY].string_value if values.SIGNATURE_KEY in fields else ""
            if signature == values.SECRET_SIGNATURE:
                return values.Secret(_from_value(fields["value"]))
            if signature == values.RESOURCE_SIGNATURE:
                # The CLI keeps it as a reference; as an id or a URN it would differ at each change of engine.
                raise OutOfScopeError(f"the resource {urns.name(fields['urn'].string_value)} as a value")
            return {key: _from_value(item) for key, item in fields.items()}
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
