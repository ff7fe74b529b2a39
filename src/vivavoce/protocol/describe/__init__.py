"""The protocols as documents for tools: AsyncAPI for the WebSockets, OpenAPI for what is plain HTTP.

Messages are taken from the types that both ends use; ``scripts/describe`` writes the files.
"""

from vivavoce.protocol.describe.documents import asyncapi, openapi
from vivavoce.protocol.describe.handshakes import V2_QUERY, V3_QUERY

__all__ = ["V2_QUERY", "V3_QUERY", "asyncapi", "openapi"]
