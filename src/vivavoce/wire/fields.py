"""Reading query parameters and messages, the same for every dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from vivavoce.errors import ProtocolViolation
from vivavoce.types import Encoding, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "SAMPLE_RATES_HZ",
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


class Query:
    """The parameters of a handshake. The last value of a repeated name counts; unknown names are ignored."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values = dict(pairs)

    def text(self, name: str) -> str | None:
        """The value as it is; None if absent or empty."""
        return self._values.get(name) or None

    def integer(self, name: str, *, low: int, high: int) -> int | None:
        """A whole number within bounds.

        Raises:
            ProtocolViolation: Not a whole number, or out of bounds.
        """
        value = self.text(name)
        if value is None:
            return None
        try:
            number = int(value)
        except ValueError:
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: not a whole number: {value!r}") from None
        if not low <= number <= high:
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: {number} is not in {low}..{high}")
        return number

    def fraction(self, name: str) -> float | None:
        """A number from 0 to 1.

        Raises:
            ProtocolViolation: Not a number, or out of bounds.
        """
        value = self.text(name)
        if value is None:
            return None
        try:
            number = float(value)
        except ValueError:
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: not a number: {value!r}") from None
        if not 0.0 <= number <= 1.0:  # also refuses NaN
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: {value} is not in 0..1")
        return number

    def flag(self, name: str, *, default: bool) -> bool:
        """A boolean in any case: the vendor's Python SDK writes ``True``, others ``true``.

        Raises:
            ProtocolViolation: Neither true nor false.
        """
        value = self.text(name)
        if value is None:
            return default
        match value.lower():
            case "true" | "1":
                return True
            case "false" | "0":
                return False
        raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: neither true nor false: {value!r}")

    def strings(self, name: str, failure: Failure = Failure.BAD_OPTION) -> tuple[str, ...]:
        """A JSON list of strings.

        Raises:
            ProtocolViolation: It is no such list.
        """
        value = self.text(name)
        if value is None:
            return ()
        try:
            return tuple(msgspec.json.decode(value, type=list[str]))
        except (msgspec.MsgspecError, UnicodeError):
            raise ProtocolViolation(failure, f"{name}: not a JSON list of strings") from None

    def sample_rate(self, *, default: int | None) -> int:
        """The rate of the audio, in Hz.

        Raises:
            ProtocolViolation: Missing without a default, no positive integer, or a rate that is not taken.
        """
        value = self.text("sample_rate")
        if value is None and default is not None:
            return default
        try:
            rate = int(value or "")
        except ValueError:
            raise ProtocolViolation(
                Failure.BAD_SAMPLE_RATE, f"sample_rate must be a positive integer, got {value!r}"
            ) from None
        if rate not in SAMPLE_RATES_HZ:
            low, high = SAMPLE_RATES_HZ.start, SAMPLE_RATES_HZ.stop - 1
            raise ProtocolViolation(Failure.BAD_SAMPLE_RATE, f"sample_rate {rate} is not in {low}..{high}")
        return rate

    def encoding(self) -> Encoding:
        """The encoding of the audio; ``pcm_s16le`` if absent.

        Raises:
            ProtocolViolation: It is none of ours.
        """
        value = self.text("encoding") or Encoding.PCM_S16LE
        try:
            return Encoding(value)
        except ValueError:
            known = ", ".join(Encoding)
            raise ProtocolViolation(
                Failure.BAD_ENCODING, f"encoding {value!r} is not one of: {known}"
            ) from None
