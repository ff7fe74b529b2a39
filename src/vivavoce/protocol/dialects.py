"""The protocols that the server speaks, by the path of their WebSocket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.protocol import aai_v2, aai_v3
from vivavoce.protocol.aai_v2.dialect import V2Factory
from vivavoce.protocol.aai_v3.dialect import V3Factory

if TYPE_CHECKING:
    from vivavoce.protocol.dialect import DialectFactory

__all__ = ["DIALECTS"]

DIALECTS: Final[dict[str, DialectFactory]] = {aai_v2.PATH: V2Factory(), aai_v3.PATH: V3Factory()}
