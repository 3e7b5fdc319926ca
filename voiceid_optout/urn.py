"""Uniform resource names as Pulumi forms them."""

from __future__ import annotations

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_TYPE_PREFIX = "pulumi:providers:"
DYNAMIC_PACKAGE = "pulumi-python"  # whose provider runs the dynamic resources of Python programs


def make(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """Return the URN of a resource; a parent that is not the stack lends its qualified type as a prefix."""
    if parent:
        parent_type = qualified_type(parent)
        if parent_type != STACK_TYPE:
            type_ = f"{parent_type}${type_}"
    return f"urn:pulumi:{stack}::{project}::{type_}::{name}"


def name(urn: str) -> str:
    """Return the resource's name, the last part of its URN; all of a text that is none."""
    return urn.split("::", 3)[-1]


def qualified_type(urn: str) -> str:
    """Return the type with its parents' types before it, joined by ``$``; nothing of a text that is no URN."""
    return "".join(urn.split("::", 3)[2:3])


def type_of(urn: str) -> str:
    """Return the resource's own type."""
    return qualified_type(urn).rsplit("$", 1)[-1]
