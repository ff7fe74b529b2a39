"""What decoding JSON raises."""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["JSON_FAILURES"]

JSON_FAILURES: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What msgspec raises for bytes that are not the JSON that is expected.

They have another form or type, are not UTF-8, or are nested deeper than Python's stack.
"""
