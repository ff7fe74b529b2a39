"""Tokens, health and metrics as OpenAPI 3.1."""

from __future__ import annotations

from typing import Final

from vivavoce.protocol import token_requests
from vivavoce.protocol.describe.schemas import SCHEMAS, Schema, query_schema, type_schemas
from vivavoce.protocol.token_requests import V3_TOKEN_PARAMETERS
from vivavoce.version import __version__

__all__ = ["LICENSE", "SERVER", "openapi"]

SERVER: Final = "127.0.0.1:8765"
"""Where ``vivavoce serve`` listens by default."""
LICENSE: Final = {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
_TYPES: Final = (
    token_requests.V2TokenRequest,
    token_requests.V2Token,
    token_requests.V3Token,
    token_requests.HttpError,
)
_STATUS: Final = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}


def _answer(text: str, schema: Schema | None = None, media_type: str = "application/json") -> Schema:
    answer: Schema = {"description": text}
    if schema is not None:
        answer["content"] = {media_type: {"schema": schema}}
    return answer


def _reference(kind: type) -> Schema:
    return {"$ref": f"{SCHEMAS}{kind.__name__}"}


def _token_operation(operation: str, answer: type, **request: object) -> Schema:
    error = _reference(token_requests.HttpError)
    return {
        "operationId": operation,
        "summary": "Issue a temporary token for one session.",
        "security": [{"key": []}],
        **request,
        "responses": {
            "200": _answer("A token.", _reference(answer)),
            "400": _answer("A value is missing or out of bounds.", error),
            "401": _answer("The key is missing, unknown or disabled.", error),
        },
    }


def _token_paths() -> dict[str, Schema]:
    body = {"application/json": {"schema": _reference(token_requests.V2TokenRequest)}}
    query = [
        {"name": name, "in": "query", "required": V3_TOKEN_PARAMETERS[name].is_required, "schema": schema}
        for name, schema in query_schema(V3_TOKEN_PARAMETERS).items()
    ]
    return {
        token_requests.V2_TOKEN_PATH: {
            "post": _token_operation(
                "createV2Token", token_requests.V2Token, requestBody={"required": True, "content": body}
            )
        },
        token_requests.V3_TOKEN_PATH: {
            "get": _token_operation("createV3Token", token_requests.V3Token, parameters=query)
        },
    }


def _state_paths() -> dict[str, Schema]:
    readiness = {
        "summary": "Whether the server can take new sessions.",
        "responses": {
            "200": _answer("It can.", _STATUS),
            "503": _answer("It is loading, full, draining or dead.", _STATUS),
        },
    }
    return {
        "/healthz": {
            "get": {
                "operationId": "health",
                "summary": "Whether the process is alive.",
                "responses": {
                    "200": _answer("It is.", _STATUS),
                    "500": _answer("It needs a restart.", _STATUS),
                },
            }
        },
        "/readyz": {"get": {"operationId": "readiness", **readiness}},
        "/v3/ws/health": {"get": {"operationId": "v3Health", **readiness}},
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Metrics for Prometheus.",
                "responses": {
                    "200": _answer("The text format.", {"type": "string"}, "text/plain"),
                    "403": _answer(
                        "The address is public, and the client neither on this machine nor has a key.",
                        _reference(token_requests.HttpError),
                    ),
                },
            }
        },
    }


def openapi() -> Schema:
    """Return the HTTP interface as an OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Vivavoce", "version": __version__, "license": LICENSE},
        "servers": [{"url": f"http://{SERVER}"}],
        "paths": {**_token_paths(), **_state_paths()},
        "components": {
            "schemas": type_schemas(_TYPES),
            "securitySchemes": {
                "key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "An API key as it is, without Bearer.",
                }
            },
        },
    }
