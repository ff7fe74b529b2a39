"""AssemblyAI Universal-Streaming v3: messages, parameters, close codes and the behaviour of a server."""

from typing import Final

__all__ = ["PATH"]

PATH: Final = "/v3/ws"
