"""The protocols as documents for tools: AsyncAPI for the WebSockets, OpenAPI for plain HTTP.

Their schemas come from the types and tables that both ends use; ``scripts/describe`` writes the files.
"""

from vivavoce.protocol.describe.asyncapi import V2_QUERY, V3_QUERY, asyncapi
from vivavoce.protocol.describe.openapi import openapi

__all__ = ["V2_QUERY", "V3_QUERY", "asyncapi", "openapi"]
