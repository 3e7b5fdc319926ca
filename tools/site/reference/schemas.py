"""JSON Schemas as pages: a table an object, and the schema itself to download."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from tools.site.reference.tables import code, table
from voiceid_optout.register.fields import build_schema

Schema = dict[str, Any]


def register_page() -> str:
    """Return the schema of a register's file."""
    return _page("Schema of the register", "optouts.schema.json", build_schema())


def plan_page() -> str:
    """Return the schema of a plan in JSON."""
    text = files("voiceid_optout.plan").joinpath("plan.schema.json").read_text(encoding="utf-8")
    return _page("Schema of a plan", "plan.schema.json", json.loads(text))


def _page(title: str, name: str, schema: Schema) -> str:
    top = [
        f"# {title}",
        f"{schema['description']} JSON Schema, dialect {code(schema['$schema'])}: [{name}]({name}).",
        "## Document",
        _properties(schema),
    ]
    for key, part in schema.get("$defs", {}).items():
        inner = _properties(part) if "properties" in part else f"{_kind(part)}."
        top += [f"## {key}", *([part["description"]] if "description" in part else []), inner]
    return "\n\n".join(top) + "\n"


def _properties(schema: Schema) -> str:
    return table(("key", "needed", "is", "means"), _rows(schema, ""))


def _rows(schema: Schema, prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, part in schema["properties"].items():
        needed = "yes" if name in schema.get("required", ()) else ""
        yield code(prefix + name), needed, _kind(part), part.get("description", "")
        for inner in (part, part.get("items", {}), *part.get("anyOf", ())):
            if "properties" in inner:
                mark = "[]." if inner is part.get("items") else "."
                yield from _rows(inner, f"{prefix}{name}{mark}")


def _kind(part: Schema) -> str:
    """Return in words what a value may be."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in part:
        return code(json.dumps(part["const"]))
    if "enum" in part:
        return ", ".join(code(str(value)) for value in part["enum"])
    if "anyOf" in part and "type" not in part:
        return " or ".join(_kind(each) for each in part["anyOf"])
    kinds = part.get("type", "anything")
    words = " or ".join([kinds] if isinstance(kinds, str) else kinds)
    if "items" in part:
        words += f" of {_kind(part['items'])}"
    limits = [f"at least {part['minimum']}"] if "minimum" in part else []
    limits += [f"at most {part['maximum']}"] if "maximum" in part else []
    limits += [f"up to {part['maxLength']:,} characters"] if "maxLength" in part else []
    limits += [f"pattern {code(part['pattern'])}"] if len(part.get("pattern", "")) in range(1, 80) else []
    limits += ["a date"] if part.get("format") == "date" else []
    return ", ".join([words, *limits])
