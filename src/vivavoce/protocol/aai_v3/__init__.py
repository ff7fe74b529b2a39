"""AssemblyAI Universal-Streaming v3, ``/v3/ws``: messages, parameters and the behaviour of a server."""

from vivavoce.protocol.aai_v3.dialect import PATH, V3Dialect, V3Factory

__all__ = ["PATH", "V3Dialect", "V3Factory"]
