"""The documents themselves."""

from __future__ import annotations

from typing import Any, Final, get_args

import msgspec

from vivavoce.protocol import aai_v2, aai_v3, token_requests
from vivavoce.protocol.describe.handshakes import V2_QUERY, V3_QUERY, Schema
from vivavoce.version import __version__

__all__ = ["asyncapi", "openapi"]

_SERVER: Final = "127.0.0.1:8765"
_LICENSE: Final = {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
_SCHEMAS: Final = "#/components/schemas/"


class AudioData(msgspec.Struct, kw_only=True):
    """Samples in base64; a binary message does the same and is shorter."""

    audio_data: str


class TerminateSession(msgspec.Struct, kw_only=True):
    """Finish the last utterance and end the session."""

    terminate_session: bool


class ForceEndUtterance(msgspec.Struct, kw_only=True):
    """End the utterance now."""

    force_end_utterance: bool


class EndUtteranceSilenceThreshold(msgspec.Struct, kw_only=True):
    """Silence that ends an utterance, in ms, 0 to 20000."""

    end_utterance_silence_threshold: int


_V2_CLIENT: Final = (AudioData, TerminateSession, ForceEndUtterance, EndUtteranceSilenceThreshold)


class _Side:
    """The messages of one side of one protocol, under names of their own."""

    def __init__(self, prefix: str, types: tuple[Any, ...], *, audio: str | None = None) -> None:
        _, components = msgspec.json.schema_components(types, ref_template=f"{_SCHEMAS}{prefix}{{name}}")
        self.schemas = {f"{prefix}{name}": schema for name, schema in components.items()}
        self.messages: dict[str, Schema] = {}
        for kind in types:
            name = kind.__struct_config__.tag or kind.__name__
            self.messages[f"{prefix}{name}"] = {
                "name": name,
                "contentType": "application/json",
                "summary": (kind.__doc__ or "").split("\n")[0],
                "payload": {"$ref": f"{_SCHEMAS}{prefix}{kind.__name__}"},
            }
        if audio is not None:
            self.messages[f"{prefix}Audio"] = {
                "name": "Audio",
                "contentType": "application/octet-stream",
                "summary": audio,
                "payload": {"type": "string", "format": "binary"},
            }


def _channel(address: str, title: str, query: dict[str, Schema], sides: tuple[_Side, _Side]) -> Schema:
    names = [name for side in sides for name in side.messages]
    return {
        "address": address,
        "title": title,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": query},
                "headers": {
                    "type": "object",
                    "properties": {"Authorization": {"type": "string", "description": "A key or a token."}},
                },
            }
        },
    }


def _operation(action: str, channel: str, summary: str, side: _Side) -> Schema:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in side.messages],
    }


def asyncapi() -> Schema:
    """Both WebSocket protocols, as AsyncAPI 3.0; seen from the server."""
    v2_client = _Side("V2Client", _V2_CLIENT, audio="Mono samples: 100 to 2000 ms a message.")
    v2_server = _Side("V2Server", get_args(aai_v2.ServerMessage))
    v3_client = _Side(
        "V3Client",
        aai_v3.CLIENT_MESSAGES,
        audio="Samples: 50 to 1000 ms a message; or one Opus packet, or a piece of an Ogg or AAC stream.",
    )
    v3_server = _Side("V3Server", get_args(aai_v3.ServerMessageV3))
    sides = (v2_client, v2_server, v3_client, v3_server)
    v2 = _channel(aai_v2.PATH, "Realtime v2", {**V2_QUERY}, (v2_client, v2_server))
    v2["bindings"]["ws"]["query"]["required"] = ["sample_rate"]
    v3 = _channel(aai_v3.PATH, "Universal-Streaming v3", V3_QUERY, (v3_client, v3_server))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vivavoce",
            "version": __version__,
            "description": "Self-hosted real-time transcription that speaks AssemblyAI's two protocols.",
            "license": _LICENSE,
        },
        "defaultContentType": "application/json",
        "servers": {"local": {"host": _SERVER, "protocol": "ws", "description": "As vivavoce serve starts."}},
        "channels": {"v2": v2, "v3": v3},
        "operations": {
            "v2Hear": _operation("receive", "v2", "What a v2 client sends.", v2_client),
            "v2Tell": _operation("send", "v2", "What it is told.", v2_server),
            "v3Hear": _operation("receive", "v3", "What a v3 client sends.", v3_client),
            "v3Tell": _operation("send", "v3", "What it is told.", v3_server),
        },
        "components": {
            "messages": {name: message for side in sides for name, message in side.messages.items()},
            "schemas": {name: schema for side in sides for name, schema in side.schemas.items()},
        },
    }


# --- plain HTTP -------------------------------------------------------------------------------


def _answer(text: str, schema: Schema | None = None, kind: str = "application/json") -> Schema:
    answer: Schema = {"description": text}
    if schema is not None:
        answer["content"] = {kind: {"schema": schema}}
    return answer


def _of(kind: type) -> Schema:
    return {"$ref": f"{_SCHEMAS}{kind.__name__}"}


def openapi() -> Schema:
    """Tokens, health and metrics, as OpenAPI 3.1."""
    types = (
        token_requests.V2TokenRequest,
        token_requests.V2Token,
        token_requests.V3Token,
        token_requests.HttpError,
    )
    _, schemas = msgspec.json.schema_components(types, ref_template=f"{_SCHEMAS}{{name}}")
    refused = {
        "400": _answer("A value is missing or out of bounds.", _of(token_requests.HttpError)),
        "401": _answer("No key of this server, or one that opens nothing.", _of(token_requests.HttpError)),
    }
    key: list[Schema] = [{"key": []}]
    status = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    readiness = {
        "summary": "Whether new sessions would be served well.",
        "responses": {
            "200": _answer("They would.", status),
            "503": _answer("Loading, full, draining, or dead.", status),
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Vivavoce", "version": __version__, "license": _LICENSE},
        "servers": [{"url": f"http://{_SERVER}"}],
        "paths": {
            token_requests.V2_TOKEN_PATH: {
                "post": {
                    "operationId": "createV2Token",
                    "summary": "Issue a temporary token for one session.",
                    "security": key,
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": _of(token_requests.V2TokenRequest)}},
                    },
                    "responses": {"200": _answer("A token.", _of(token_requests.V2Token)), **refused},
                }
            },
            token_requests.V3_TOKEN_PATH: {
                "get": {
                    "operationId": "createV3Token",
                    "summary": "Issue a temporary token for one session.",
                    "security": key,
                    "parameters": [
                        _query("expires_in_seconds", 1, 600, required=True),
                        _query("max_session_duration_seconds", 60, 10_800, required=False),
                    ],
                    "responses": {"200": _answer("A token.", _of(token_requests.V3Token)), **refused},
                }
            },
            "/healthz": {
                "get": {
                    "operationId": "health",
                    "summary": "Whether the process lives.",
                    "responses": {
                        "200": _answer("It does.", status),
                        "500": _answer("It has to be started again.", status),
                    },
                }
            },
            "/readyz": {"get": {"operationId": "readiness", **readiness}},
            "/v3/ws/health": {"get": {"operationId": "v3Health", **readiness}},
            "/metrics": {
                "get": {
                    "operationId": "metrics",
                    "summary": "Figures for Prometheus.",
                    "responses": {"200": _answer("Its text format.", {"type": "string"}, "text/plain")},
                }
            },
        },
        "components": {
            "schemas": schemas,
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


def _query(name: str, low: int, high: int, *, required: bool) -> Schema:
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return {"name": name, "in": "query", "required": required, "schema": schema}
