"""Reading the parameters of a query or a message, the same for every protocol."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.errors import ProtocolViolation
from vivavoce.json_failures import JSON_FAILURES
from vivavoce.protocol.parameters import Kind
from vivavoce.types import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vivavoce.protocol.parameters import Parameter

__all__ = [
    "SAMPLE_RATES_HZ",
    "Fields",
    "ParameterReader",
    "Query",
    "clip_reason",
    "json_object",
    "shown_value",
]

SAMPLE_RATES_HZ: Final = range(8_000, 96_001)
"""The sample rates that the protocols allow: telephone to studio."""

_MAX_REASON_BYTES: Final = 123  # RFC 6455, section 5.5: a close frame holds 125 bytes, two of them the code
_SHOWN_CHARACTERS: Final = 40
# Python also reads 16_000 and digits of other scripts, which are mistakes here.
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


def clip_reason(reason: str) -> str:
    """Cut a close reason to the length that a close frame can hold, never inside a character."""
    return reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")


def json_object(text: str | bytes) -> dict[str, object]:
    """Decode a JSON object.

    Raises:
        ProtocolViolation: It is not JSON, or not an object.
    """
    try:
        value = msgspec.json.decode(text)
    except JSON_FAILURES as error:
        raise ProtocolViolation(Failure.BAD_JSON, str(error)) from error
    if not isinstance(value, dict):
        raise ProtocolViolation(Failure.BAD_MESSAGE, f"expected an object, got {type(value).__name__}")
    return value


def shown_value(value: object) -> str:
    """A value as a message shows it: whole if it is short, else its beginning."""
    try:
        shown = repr(value)
    except (RecursionError, ValueError):  # nested too deep, or a number of more than 4300 digits
        shown = f"a {type(value).__name__} that is too large to show"
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}..."


class ParameterReader:
    """Reads the values of parameters and checks each one against its description.

    Values of unknown names are ignored.

    Args:
        values: The values, by name.
        parameters: The descriptions, by name.
    """

    def __init__(self, values: Mapping[str, object], parameters: Mapping[str, Parameter]) -> None:
        self._values = values
        self._parameters = parameters

    def names(self) -> list[str]:
        """Return the names that have a value."""
        return [name for name in self._values if self.raw(name) is not None]

    def raw(self, name: str) -> object:
        """Return the value as received; None if absent."""
        return self._values.get(self._written(name))

    def _written(self, name: str) -> str:
        """The name that the client wrote: an alias counts where the name itself has no value."""
        if self._values.get(name) is None and name in self._parameters:
            for alias in self._parameters[name].aliases:
                if self._values.get(alias) is not None:
                    return alias
        return name

    def check(self) -> None:
        """Check every value that a parameter describes.

        Raises:
            ProtocolViolation: A value is not allowed.
        """
        for name, parameter in self._parameters.items():
            match parameter.kind:
                case Kind.WHOLE:
                    self.whole(name)
                case Kind.FRACTION:
                    self.fraction(name)
                case Kind.FLAG:
                    self.flag(name)
                case Kind.TEXT:
                    self.text(name)
                case Kind.STRINGS:
                    self.strings(name)
                case Kind.MAPPING:
                    self.mapping(name)

    # --- one value; each raises ProtocolViolation if the value is not allowed -------------------

    def whole(self, name: str) -> int | None:
        """Return a whole number; None if absent."""
        value = self.raw(name)
        if value is None:
            return None
        number, bounds = self._as_whole(value), self._parameters[name].bounds
        if number is None or number not in bounds:
            raise self._violation(name, f"a whole number in {bounds.start}..{bounds.stop - 1}")
        return number

    def required_whole(self, name: str) -> int:
        """Return a whole number that must be there."""
        number = self.whole(name)
        if number is None:
            raise ProtocolViolation(self._parameters[name].failure, f"{name} is missing")
        return number

    def fraction(self, name: str) -> float | None:
        """Return a number from 0 to 1; None if absent."""
        value = self.raw(name)
        if value is None:
            return None
        number = self._as_number(value)
        if number is None or not 0.0 <= number <= 1.0:  # also refuses NaN
            raise self._violation(name, "a number in 0..1")
        return number

    def flag(self, name: str) -> bool | None:
        """Return a boolean; None if absent."""
        value = self.raw(name)
        if value is None:
            return None
        is_set = self._as_flag(value)
        if is_set is None:
            raise self._violation(name, "true or false")
        return is_set

    def text(self, name: str) -> str | None:
        """Return a string; None if absent."""
        value, parameter = self.raw(name), self._parameters[name]
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._violation(name, "a string")
        if parameter.choices is not None and value not in set(parameter.choices):
            raise self._violation(name, f"one of {', '.join(parameter.choices)}")
        if parameter.max_length is not None and len(value) > parameter.max_length:
            raise self._too_long(name, f"{parameter.max_length} characters", len(value))
        return value

    def strings(self, name: str) -> tuple[str, ...] | None:
        """Return a list of strings; None if absent."""
        value, parameter = self.raw(name), self._parameters[name]
        if value is None:
            return None
        items = self._as_json(value)
        if items is None and parameter.commas:
            items = self._between_commas(value)
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise self._violation(name, "a JSON list of strings")
        if parameter.max_items is not None and len(items) > parameter.max_items:
            raise self._too_long(name, f"{parameter.max_items} items", len(items))
        if parameter.max_length is not None:
            for item in items:
                if len(item) > parameter.max_length:
                    limit = f"{parameter.max_length} characters in {item[:20]!r}..."
                    raise self._too_long(name, limit, len(item))
        return tuple(items)

    def mapping(self, name: str) -> dict[str, object] | None:
        """Return a JSON object; None if absent."""
        value = self.raw(name)
        if value is None:
            return None
        fields = self._as_json(value)
        if not isinstance(fields, dict):
            raise self._violation(name, "a JSON object")
        return fields

    def _violation(self, name: str, allowed: str) -> ProtocolViolation:
        detail = f"{self._written(name)} must be {allowed}, got {shown_value(self.raw(name))}"
        return ProtocolViolation(self._parameters[name].failure, detail)

    def _too_long(self, name: str, limit: str, length: int) -> ProtocolViolation:
        return ProtocolViolation(
            self._parameters[name].failure, f"{name} must have at most {limit}, got {length}"
        )

    # --- the types of values, None if a value has another one: those of JSON ---------------------

    def _as_whole(self, value: object) -> int | None:
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def _as_number(self, value: object) -> float | None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        try:
            return float(value)
        except OverflowError:  # a whole number of 310 digits
            return None

    def _as_flag(self, value: object) -> bool | None:
        return value if isinstance(value, bool) else None

    def _as_json(self, value: object) -> object:
        return value

    def _between_commas(self, value: object) -> object:
        return value


class Fields(ParameterReader):
    """Reads the fields of a message: values of JSON."""


class Query(ParameterReader):
    """Reads the query of a handshake: all values are text, the last one of a repeated name counts.

    An empty value counts as absent.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]], parameters: Mapping[str, Parameter]) -> None:
        super().__init__({name: text for name, text in dict(pairs).items() if text}, parameters)

    def _as_whole(self, value: object) -> int | None:
        return int(str(value)) if _WHOLE.fullmatch(str(value)) else None

    def _as_number(self, value: object) -> float | None:
        return float(str(value)) if _NUMBER.fullmatch(str(value)) else None

    def _as_flag(self, value: object) -> bool | None:
        """In any case: the vendor's Python SDK writes ``True``, others write ``true``."""
        return _FLAGS.get(str(value).lower())

    def _as_json(self, value: object) -> object:
        try:
            return msgspec.json.decode(str(value).encode())
        except JSON_FAILURES:
            return None

    def _between_commas(self, value: object) -> object:
        listed = str(value)
        if listed.startswith(("[", "{")):
            return None  # broken JSON
        return [part for part in (part.strip() for part in listed.split(",")) if part]
