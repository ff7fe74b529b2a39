"""The level of a microphone as text."""

from __future__ import annotations

from typing import Final

__all__ = ["level_meter"]

_METER_MARKS: Final = 10
_METER_RANGE_DB: Final = 60


def level_meter(level_db: float) -> str:
    """Return a level as text.

    Args:
        level_db: Level relative to full scale, in dB; ten marks show the upper 60 dB.
    """
    above_floor = min(max(level_db + _METER_RANGE_DB, 0), _METER_RANGE_DB)
    n = round(above_floor * _METER_MARKS / _METER_RANGE_DB)
    return f"[{'#' * n}{'.' * (_METER_MARKS - n)}] {level_db:.0f} dB"
