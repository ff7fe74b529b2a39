"""Protocol dialects as typed messages, translated to and from dialect-neutral commands and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.protocol import aai_v2, aai_v3
from vivavoce.protocol.aai_v2 import V2Factory
from vivavoce.protocol.aai_v3 import V3Factory

if TYPE_CHECKING:
    from vivavoce.protocol.dialect import DialectFactory

__all__ = ["DIALECTS"]

DIALECTS: dict[str, DialectFactory] = {aai_v2.PATH: V2Factory(), aai_v3.PATH: V3Factory()}
"""Which path speaks which dialect."""
