"""AssemblyAI Realtime v2: messages, parameters, close codes and the behaviour of a server."""

from typing import Final

__all__ = ["PATH", "RESUME_PATH"]

PATH: Final = "/v2/realtime/ws"
RESUME_PATH: Final = "/v2/realtime/ws/{session_id}"
"""Where a client would return to a session; ours end with their WebSocket, so the server refuses."""
