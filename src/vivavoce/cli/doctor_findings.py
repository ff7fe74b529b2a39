"""What a check of ``vivavoce doctor`` finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Status"]


class Status(StrEnum):
    """Result of a check."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of a check.

    Attributes:
        status: Only `Status.BROKEN` makes the command fail.
        title: The checked part.
        detail: Its state.
        advice: What the user can do about it; empty if there is nothing to do.
    """

    status: Status
    title: str
    detail: str
    advice: str = ""
