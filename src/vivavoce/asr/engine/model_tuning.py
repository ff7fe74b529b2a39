"""The times and sizes with which sessions use the models of a family."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from vivavoce.asr.session import Tuning

__all__ = ["tuning_of"]

_DEFAULT: Final = Tuning()
_TUNINGS: Final = {
    # Keeps all that it computed, so its window never moves; it has 82 s of positions.
    "moonshine-streaming": replace(
        _DEFAULT, window_ms=80_000, window_step_samples=320, max_utterance_ms=60_000, cut_window_ms=15_000
    ),
    # A pass costs more. Larger models have an even slower cadence of their own.
    "whisper": replace(_DEFAULT, cadence_ms=640, opening_cadence_ms=320),
}


def tuning_of(family: str) -> Tuning:
    """Return the tuning for the models of a family; most have the default.

    Args:
        family: A key of `vivavoce.asr.models.RECOGNISERS`.
    """
    return _TUNINGS.get(family, _DEFAULT)
