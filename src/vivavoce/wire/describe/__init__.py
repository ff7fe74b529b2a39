"""The protocols as documents for tools: AsyncAPI for the WebSockets, OpenAPI for what is plain HTTP.

Messages are taken from the types that both ends use; ``scripts/describe`` writes the files.
"""

from vivavoce.wire.describe.documents import asyncapi, openapi
from vivavoce.wire.describe.handshakes import V2_QUERY, V3_QUERY

__all__ = ["V2_QUERY", "V3_QUERY", "asyncapi", "openapi"]
