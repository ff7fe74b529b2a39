"""What the user agent of a client says about it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["reads_warnings"]

# The vendor's SDKs skip messages of unknown types; so does ours, which reports warnings.
_SDKS: Final = re.compile(r"vivavoce/|AssemblyAI/[^(]*\([^)]*\bsdk=")


def reads_warnings(user_agent: str | None) -> bool:
    """Whether a client can take a ``Warning`` message.

    Published programs without an SDK read every message as a turn, and stop at a warning.
    """
    return _SDKS.match(user_agent or "") is not None
