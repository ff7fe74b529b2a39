"""Reading query parameters and messages, the same for every dialect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from vivavoce.errors import ProtocolViolation
from vivavoce.types import Codec, Encoding, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "SAMPLE_RATES_HZ",
    "Fields",
    "Parameters",
    "Query",
    "clip_reason",
    "json_object",
]

SAMPLE_RATES_HZ = range(8_000, 96_001)
"""Rates that are taken: telephone to studio."""

_MAX_REASON_BYTES = 123  # RFC 6455, section 5.5: a close frame holds 125 bytes, two of them the code


def clip_reason(reason: str) -> str:
    """Cut a close reason to what a close frame can hold, never inside a character."""
    return reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")


def json_object(text: str | bytes) -> dict[str, object]:
    """Decode a JSON object.

    Raises:
        ProtocolViolation: It is no JSON, or not an object.
    """
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolViolation(Failure.BAD_JSON, str(error)) from error
    if not isinstance(value, dict):
        raise ProtocolViolation(Failure.BAD_MESSAGE, f"expected an object, got {type(value).__name__}")
    return value


_SHOWN_CHARACTERS = 40
# Python would take 16_000 and digits of other scripts too; clients that mean those are mistaken.
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def _shown(value: object) -> str:
    """A value as a message names it: whole if it is short, else its beginning."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


class Parameters:
    """Named values that a client gave, checked as they are read; those of unknown names are ignored."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def names(self) -> list[str]:
        """Names that have a value."""
        return [name for name in self._values if self._value(name) is not None]

    def raw(self, name: str) -> object:
        """The value as it came; None if absent."""
        return self._value(name)

    def _value(self, name: str) -> object:
        """The value of a name; None if it has none."""
        return self._values.get(name)

    def _as_whole(self, value: object) -> int | None:
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def _as_number(self, value: object) -> float | None:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def _as_flag(self, value: object) -> bool | None:
        return value if isinstance(value, bool) else None

    def _as_json(self, value: object) -> object:
        return value

    def _between_commas(self, value: object) -> object:
        return value

    def text(self, name: str, *, longest: int | None = None) -> str | None:
        """A string; None if absent.

        Args:
            name: Of the parameter.
            longest: How many characters it may have; None: any number.

        Raises:
            ProtocolViolation: No string, or too long.
        """
        value = self._value(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: no string: {_shown(value)}")
        if longest is not None and len(value) > longest:
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: {len(value)} characters, at most {longest}")
        return value

    def choice(self, name: str, known: Sequence[str]) -> str | None:
        """One of a few strings; None if absent.

        Raises:
            ProtocolViolation: None of them.
        """
        value = self.text(name)
        if value is not None and value not in known:
            raise ProtocolViolation(
                Failure.BAD_OPTION, f"{name}: {_shown(value)} is not one of: {', '.join(known)}"
            )
        return value

    def integer(self, name: str, *, low: int, high: int) -> int | None:
        """A whole number within bounds; None if absent.

        Raises:
            ProtocolViolation: Not a whole number, or out of bounds.
        """
        value = self._value(name)
        if value is None:
            return None
        number = self._as_whole(value)
        if number is None:
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: not a whole number: {_shown(value)}")
        if not low <= number <= high:
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: {number} is not in {low}..{high}")
        return number

    def fraction(self, name: str) -> float | None:
        """A number from 0 to 1; None if absent.

        Raises:
            ProtocolViolation: Not a number, or out of bounds.
        """
        value = self._value(name)
        if value is None:
            return None
        number = self._as_number(value)
        if number is None:
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: not a number: {_shown(value)}")
        if not 0.0 <= number <= 1.0:  # also refuses NaN
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: {_shown(value)} is not in 0..1")
        return number

    def flag(self, name: str) -> bool | None:
        """A boolean; None if absent.

        Raises:
            ProtocolViolation: Neither true nor false.
        """
        value = self._value(name)
        if value is None:
            return None
        flag = self._as_flag(value)
        if flag is None:
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: neither true nor false: {_shown(value)}")
        return flag

    def strings(
        self, name: str, failure: Failure = Failure.BAD_OPTION, *, commas: bool = False
    ) -> tuple[str, ...] | None:
        """A list of strings; None if absent.

        Args:
            name: Of the parameter.
            failure: What it is if it is no such list.
            commas: Whether a query may also have them as plain text, with commas between them.

        Raises:
            ProtocolViolation: It is no such list.
        """
        value = self._value(name)
        if value is None:
            return None
        items = self._as_json(value)
        if items is None and commas:
            items = self._between_commas(value)
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise ProtocolViolation(failure, f"{name}: not a JSON list of strings: {_shown(value)}")
        return tuple(items)

    def mapping(self, name: str) -> dict[str, object] | None:
        """A JSON object; None if absent.

        Raises:
            ProtocolViolation: It is none.
        """
        value = self._value(name)
        if value is None:
            return None
        fields = self._as_json(value)
        if not isinstance(fields, dict):
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: not a JSON object: {_shown(value)}")
        return fields


class Fields(Parameters):
    """Those of a message: values of JSON."""


class Query(Parameters):
    """Those of a handshake: everything is text. The last value of a repeated name counts."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        super().__init__(dict(pairs))

    def _value(self, name: str) -> object:
        return self._values.get(name) or None  # an empty value is none

    def _as_whole(self, value: object) -> int | None:
        return int(str(value)) if _WHOLE.fullmatch(str(value)) else None

    def _as_number(self, value: object) -> float | None:
        return float(str(value)) if _NUMBER.fullmatch(str(value)) else None

    def _as_flag(self, value: object) -> bool | None:
        """In any case: the vendor's Python SDK writes ``True``, others ``true``."""
        return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())

    def _as_json(self, value: object) -> object:
        try:
            return msgspec.json.decode(str(value).encode())
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None

    def _between_commas(self, value: object) -> object:
        text = str(value)
        if text.startswith(("[", "{")):
            return None  # JSON, and broken
        return [part for part in (part.strip() for part in text.split(",")) if part]

    def sample_rate(self, *, default: int | None) -> int:
        """The rate of the audio, in Hz.

        Raises:
            ProtocolViolation: Missing without a default, no positive integer, or a rate that is not taken.
        """
        value = self._value("sample_rate")
        if value is None and default is not None:
            return default
        rate = self._as_whole(value)
        if rate is None:
            raise ProtocolViolation(
                Failure.BAD_SAMPLE_RATE, f"sample_rate must be a positive integer, got {_shown(value)}"
            )
        if rate not in SAMPLE_RATES_HZ:
            low, high = SAMPLE_RATES_HZ.start, SAMPLE_RATES_HZ.stop - 1
            raise ProtocolViolation(Failure.BAD_SAMPLE_RATE, f"sample_rate {rate} is not in {low}..{high}")
        return rate

    def encoding(self, *, codecs: bool = False) -> Encoding | Codec:
        """The encoding of the audio; ``pcm_s16le`` if absent.

        Args:
            codecs: Whether compressed audio is taken too.

        Raises:
            ProtocolViolation: It is none of ours.
        """
        value = self.text("encoding") or Encoding.PCM_S16LE
        known: dict[str, Encoding | Codec] = {each.value: each for each in Encoding}
        if codecs:
            known |= {each.value: each for each in Codec}
        if value not in known:
            raise ProtocolViolation(
                Failure.BAD_ENCODING, f"encoding {_shown(value)} is not one of: {', '.join(known)}"
            )
        return known[value]
