"""The JSON Schema of one register file, for editors; made from the same table as the loader's checks.

It tells everything about one document once YAML is read. What it cannot tell (``Level`` other than DOCUMENT):
YAML's own faults, and what depends on other files or on the stack's config.
"""

import json
from typing import Any

from voiceid_optout.register.fields import DOMAIN_FIELD, LISTS, SPEAKERS, Field, ListField

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def build_schema() -> Schema:
    """Return the schema. Keywords for objects and lists stand side by side: each binds its own kind only."""
    return {
        "$schema": DIALECT,
        "title": "Register of opt-outs",
        "description": "People who must not be recognised by voice. One file, one domain.",
        "type": ["object", "array"],
        "properties": {
            DOMAIN_FIELD.name: _text(DOMAIN_FIELD),
            **{
                name: {"type": "array", "description": spec.about, "items": _ref(spec)}
                for name, spec in LISTS.items()
            },
        },
        "additionalProperties": False,
        "anyOf": [{"required": [name]} for name in LISTS],
        "items": _ref(SPEAKERS),
        "$defs": {spec.ensure.value: _entry(spec) for spec in LISTS.values()},
    }


def schema_text() -> str:
    """Return the schema as it is checked in."""
    return json.dumps(build_schema(), indent=2, ensure_ascii=False) + "\n"


def _ref(spec: ListField) -> Schema:
    return {"$ref": f"#/$defs/{spec.ensure.value}"}


def _entry(spec: ListField) -> Schema:
    entry: Schema = {
        "type": "object",
        "properties": {each.name: _text(each) for each in spec.fields},
        "required": [each.name for each in spec.fields if each.required is not None],
        "additionalProperties": False,
    }
    if spec.bare:
        entry["type"] = ["string", "object"]
        entry["pattern"] = SPEAKERS.by_name["id"].rule.pattern
    return entry


def _text(spec: Field) -> Schema:
    text: Schema = {
        "type": "string",
        "description": spec.about,
        "pattern": spec.rule.pattern,
        "examples": [spec.example],
    }
    if spec.rule.max_length is not None:
        text["maxLength"] = spec.rule.max_length
    if spec.rule.is_date:
        text["format"] = "date"
    return text
