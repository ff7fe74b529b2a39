"""The methods that programs of the vendor's SDK call on its messages, which are pydantic models there."""

from __future__ import annotations

import typing
from datetime import datetime
from typing import Any, Self, TypeAlias
from uuid import UUID

import msgspec

from vivavoce.errors import ConfigurationError
from vivavoce.json_failures import JSON_FAILURES

__all__ = ["ModelMethods", "convert_nested"]

_Fields: TypeAlias = dict[str, Any]  # ``dict`` is a method in the class


class ModelMethods:
    """Conversions of a message from and to plain data, under the names of both versions of pydantic."""

    __slots__ = ()

    @classmethod
    def model_validate(cls, obj: object) -> Self:
        """Return a message made of a mapping of its fields; texts count as the numbers they contain.

        Raises:
            ConfigurationError: A field is missing or has the wrong type.
        """
        if isinstance(obj, cls):
            return obj
        message: Self = _converted(obj, cls)
        return message

    @classmethod
    def model_validate_json(cls, json_data: str | bytes) -> Self:
        """Return a message made of a JSON object; see :meth:`model_validate`.

        Raises:
            ConfigurationError: It is not JSON, or a field is missing or has the wrong type.
        """
        try:
            fields = msgspec.json.decode(json_data)
        except JSON_FAILURES as error:
            raise ConfigurationError(f"{cls.__name__} must be a JSON object: {error}") from None
        return cls.model_validate(fields)

    parse_obj = model_validate
    parse_raw = model_validate_json

    def model_dump(self, *, exclude_none: bool = False, **_: object) -> _Fields:
        """Return the fields as a dictionary of plain values; times stay ``datetime``.

        Args:
            exclude_none: Whether fields without a value are left out, nested ones too.
        """
        fields: _Fields = msgspec.to_builtins(self, builtin_types=(datetime, UUID))
        return _without_none(fields) if exclude_none else fields

    def model_dump_json(self, *, exclude_none: bool = False, **_: object) -> str:
        """Return the fields as a JSON object.

        Args:
            exclude_none: Whether fields without a value are left out, nested ones too.
        """
        return msgspec.json.encode(self.model_dump(exclude_none=exclude_none)).decode()

    dict = model_dump
    json = model_dump_json


def _converted(value: object, cls: Any) -> Any:
    try:
        return msgspec.convert(value, cls, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        name = getattr(cls, "__name__", cls)
        raise ConfigurationError(f"{name} must have valid fields: {error}") from None


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(each) for name, each in value.items() if each is not None}
    return [_without_none(each) for each in value] if isinstance(value, list) else value


def convert_nested(message: object, name: str) -> None:
    """Convert the dictionaries in a field of a message to the messages that the field is declared to have.

    Raises:
        ConfigurationError: A field of a nested message is missing or has the wrong type.
    """
    value = getattr(message, name)
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict):
        return
    declared = typing.get_type_hints(type(message))[name]
    converted = _converted(value, declared)
    if isinstance(message, msgspec.Struct):
        setattr(message, name, converted)
    else:
        object.__setattr__(message, name, converted)  # the messages of v2 are frozen
