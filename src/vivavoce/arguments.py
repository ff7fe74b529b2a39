"""Checks of arguments that several parts of the public surface take."""

from __future__ import annotations

from vivavoce.errors import ConfigurationError

__all__ = ["sample_rate_hz", "whole_number"]


def whole_number(name: str, value: object, *, low: int, high: int, unit: str) -> int:
    """Return `value` if it is a whole number in `low`..`high`.

    Raises:
        ConfigurationError: It is not; the message names the argument.
    """
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise ConfigurationError(f"{name} must be a whole number of {unit} in {low}..{high}, got {value!r}")


def sample_rate_hz(value: object) -> int:
    """Return `value` if it is a positive whole number.

    Which rates are supported is for the server or the microphone to decide.

    Raises:
        ConfigurationError: It is not a positive whole number.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ConfigurationError(f"sample_rate must be a positive whole number of Hz, got {value!r}")
