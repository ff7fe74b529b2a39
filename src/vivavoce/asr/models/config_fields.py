"""Fields of a model's ``config.json``, each checked as it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ConfigFields"]

_WIDEST_HEAD: Final = 1024
_ROTARY_BASE: Final = 10_000.0
# What a float32 holds: neither 0 nor infinite.
_LEAST: Final = float(np.finfo(np.float32).tiny)
_MOST: Final = float(np.finfo(np.float32).max)


class ConfigFields:
    """An object of the file; each method raises `ModelError` if a field is not as it must be."""

    def __init__(self, path: Path, values: object, prefix: str = "") -> None:
        """Take an object of the file.

        Args:
            path: Of the file.
            values: The object.
            prefix: In front of the names of its fields in messages, with a point at its end.

        Raises:
            ModelError: It is no object.
        """
        if not isinstance(values, dict):
            raise ModelError(f"{path} has no object {prefix.rstrip('.')}: download the model again")
        self._path = path
        self._values: dict[str, Any] = values
        self._prefix = prefix

    def wrong(self, name: str, expected: str) -> ModelError:
        """The error of a field that must be something else."""
        return ModelError(
            f"{self._path}: {self._prefix}{name} must be {expected}, got {self._values.get(name)!r}"
        )

    def value(self, name: str) -> Any:
        """A field as it is; None if it is missing."""
        return self._values.get(name)

    def need(self, name: str, expected: object) -> None:
        """Check a choice that only one value is supported of; it is the one where the field is missing."""
        if self._values.get(name, expected) != expected:
            raise self.wrong(name, repr(expected))

    def size(self, name: str, most: int | None = None) -> int:
        """A positive integer, at most ``most``."""
        value = self._values.get(name)
        if type(value) is not int or value < 1:
            raise self.wrong(name, "a positive integer")
        if most is not None and value > most:
            raise self.wrong(name, f"{most} at most")
        return value

    def number(self, name: str, default: float, least: float = _LEAST, most: float = _MOST) -> float:
        """A positive number from ``least`` to ``most``."""
        value = self._values.get(name, default)
        if type(value) not in (int, float) or not least <= value <= most:  # NaN is neither
            raise self.wrong(name, f"a positive number, {least:g} to {most:g}")
        return float(value)

    def head_size(self, heads: str = "num_attention_heads") -> int:
        """Features of an attention head: ``head_dim``, or those of the model divided by its heads.

        Args:
            heads: Name of the field with the number of heads.
        """
        if self._values.get("head_dim") is not None:
            return self.size("head_dim", _WIDEST_HEAD)
        found = self.size("hidden_size") // self.size(heads)
        if not 1 <= found <= _WIDEST_HEAD:
            raise self.wrong("hidden_size", f"1 to {_WIDEST_HEAD} features for each of {heads}")
        return found

    def token(self, n_tokens: int, *names: str) -> int:
        """The first of these fields that is set; the first token if it is a list."""
        for name in names:
            value = self._values.get(name)
            value = value[0] if isinstance(value, list) and value else value
            if value is None:
                continue
            if type(value) is not int or not 0 <= value < n_tokens:
                raise self.wrong(name, f"a token, 0 to {n_tokens - 1}")
            return value
        raise self.wrong(names[-1], "a token")

    def frequencies(self, head_size: int, factor: float) -> npt.NDArray[np.float32]:
        """Angles of the rotary embedding, float32 (pairs,); see J. Su et al., "RoFormer", 2021.

        They follow from fields of ``rope_parameters``, or of ``rope_scaling`` in old files. What is missing
        there may be beside it.

        Args:
            head_size: Features of a head.
            factor: Part of them that is rotated if the file does not say.
        """
        names = ("rope_theta", "partial_rotary_factor")
        beside = {name: self._values[name] for name in names if name in self._values}
        given = self._values.get("rope_parameters") or self._values.get("rope_scaling") or {}
        values = beside | given if isinstance(given, dict) else given
        rotary = ConfigFields(self._path, values, f"{self._prefix}rope_parameters.")
        for name in ("rope_type", "type"):  # the second in old files
            rotary.need(name, "default")
        base = rotary.number("rope_theta", _ROTARY_BASE)
        rotated = int(head_size * rotary.number("partial_rotary_factor", factor, most=1.0))
        if not 1 <= rotated <= head_size // 2 * 2:
            raise rotary.wrong("partial_rotary_factor", f"a part of the {head_size} features of a head")
        exponents = np.arange(0, rotated, 2, dtype=np.float32) / np.float32(rotated)
        frequencies: npt.NDArray[np.float32] = (1 / np.power(np.float32(base), exponents)).astype(np.float32)
        return frequencies
