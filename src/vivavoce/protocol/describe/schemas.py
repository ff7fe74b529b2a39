"""JSON Schemas of messages and parameters, from the types and tables that both ends use."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_type_hints

import msgspec

from vivavoce.protocol.describe.docstrings import description, field_descriptions
from vivavoce.protocol.parameters import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vivavoce.protocol.parameters import Parameter

__all__ = ["SCHEMAS", "Schema", "message_schemas", "query_schema", "type_schemas", "update_schema"]

Schema: TypeAlias = dict[str, Any]

SCHEMAS: Final = "#/components/schemas/"
# v3 writes whole seconds since 1970, v2 text without a zone, which is not a ``date-time``.
_TIMESTAMP_TYPES: Final = {"type": "integer", "message_type": "string"}
_IN_ANY_CASE: Final = "In any case: true, True."


def type_schemas(types: Iterable[type], prefix: str = "") -> dict[str, Schema]:
    """Return the schemas of some types and of those that they contain, by prefix and name of the type."""
    _, schemas = msgspec.json.schema_components(types, ref_template=f"{SCHEMAS}{prefix}{{name}}")
    known = {each.__name__: each for each in types}
    for name, schema in schemas.items():
        if name in known:
            _describe(schema, known[name])
    return {f"{prefix}{name}": schema for name, schema in schemas.items() if "properties" in schema}


def _describe(schema: Schema, documented: type) -> None:
    schema["description"] = description(documented)
    texts = field_descriptions(documented)
    for name, field in schema["properties"].items():
        if name in texts:
            schema["properties"][name] = {"description": texts[name], **field}
        if "anyOf" in field:  # whether null comes first depends on the version of msgspec
            field["anyOf"].sort(key=lambda option: option.get("type") == "null")


def message_schemas(types: Mapping[type, str | None], prefix: str, tag: str) -> dict[str, Schema]:
    """Return the schemas of a server's messages, as the server writes them.

    Args:
        types: The messages and the types that they contain, with the value of their tag; None: no tag.
        prefix: What the names begin with.
        tag: The name of the field that says which message it is.
    """
    schemas = type_schemas(types, prefix)
    for message, value in types.items():
        schema = schemas[f"{prefix}{message.__name__}"]
        hints = get_type_hints(message)
        properties = schema["properties"] = {name: schema["properties"][name] for name in hints}
        # A field that is None by default is left out; the server writes all others.
        schema["required"] = [
            name for name, field in properties.items() if field.get("default", "") is not None
        ]
        for name, hint in hints.items():
            field = properties[name]
            field.pop("default", None)
            if hint is datetime:
                field.pop("format", None)
                field["type"] = _TIMESTAMP_TYPES[tag]
        if value is not None:
            properties[tag] = {"enum": [value]}
    return schemas


def query_schema(parameters: Mapping[str, Parameter]) -> dict[str, Schema]:
    """Return the schema of each parameter as a query writes it: lists and objects are JSON text."""
    return {name: _query_parameter(parameter) for name, parameter in parameters.items()}


def _query_parameter(parameter: Parameter) -> Schema:
    schema = _parameter(parameter)
    if parameter.kind is Kind.FLAG:
        schema["description"] += f" {_IN_ANY_CASE}"
    if parameter.kind in {Kind.STRINGS, Kind.MAPPING}:
        schema = {
            "type": "string",
            "contentMediaType": "application/json",
            "description": parameter.description,
        }
    return schema


def update_schema(parameters: Mapping[str, Parameter]) -> Schema:
    """Return the schema of ``UpdateConfiguration``."""
    return {
        "title": "UpdateConfiguration",
        "description": "Changes during a session; what is absent stays as it is.",
        "type": "object",
        "properties": {
            "type": {"enum": ["UpdateConfiguration"]},
            **{name: _parameter(parameter, with_default=False) for name, parameter in parameters.items()},
        },
        "required": ["type"],
    }


_TYPES: Final = {
    Kind.WHOLE: "integer",
    Kind.FRACTION: "number",
    Kind.FLAG: "boolean",
    Kind.TEXT: "string",
    Kind.STRINGS: "array",
    Kind.MAPPING: "object",
}


def _parameter(parameter: Parameter, *, with_default: bool = True) -> Schema:
    schema: Schema = {"type": _TYPES[parameter.kind], "description": parameter.description}
    match parameter.kind:
        case Kind.WHOLE:
            schema |= {"minimum": parameter.bounds.start, "maximum": parameter.bounds.stop - 1}
        case Kind.FRACTION:
            schema |= {"minimum": 0, "maximum": 1}
        case Kind.STRINGS:
            schema["items"] = {"type": "string"}
    if parameter.choices is not None:
        schema["enum"] = [choice.value for choice in parameter.choices]
    limits = {"maxItems": parameter.max_items}
    if parameter.kind is Kind.TEXT:
        limits["maxLength"] = parameter.max_length
    elif parameter.max_length is not None:
        schema["items"]["maxLength"] = parameter.max_length
    schema |= {name: limit for name, limit in limits.items() if limit is not None}
    if with_default and parameter.default is not None:
        schema["default"] = parameter.default
    return schema
