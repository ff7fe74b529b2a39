"""Checking the arguments of the public surface."""

from __future__ import annotations

from vivavoce.errors import ConfigurationError

__all__ = ["sample_rate_hz", "whole_number"]


def whole_number(name: str, value: object, *, low: int, high: int, unit: str) -> int:
    """Check a whole number.

    Raises:
        ConfigurationError: It is none, or out of bounds.
    """
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise ConfigurationError(f"{name} must be a whole number of {unit} in {low}..{high}, got {value!r}")


def sample_rate_hz(value: object) -> int:
    """Check a sample rate. Which rates are taken is for the server, or the microphone, to say.

    Raises:
        ConfigurationError: It is no positive whole number.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ConfigurationError(f"sample_rate must be a positive whole number of Hz, got {value!r}")
