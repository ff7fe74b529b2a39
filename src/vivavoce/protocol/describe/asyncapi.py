"""Both WebSocket protocols as AsyncAPI 3.0, seen from the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

from vivavoce.protocol import aai_v2, aai_v3
from vivavoce.protocol.aai_v2 import messages as v2_messages
from vivavoce.protocol.aai_v2.parameters import PARAMETERS as V2_PARAMETERS
from vivavoce.protocol.aai_v3 import messages as v3_messages
from vivavoce.protocol.aai_v3.parameters import PARAMETERS as V3_PARAMETERS
from vivavoce.protocol.aai_v3.parameters import UPDATE_PARAMETERS
from vivavoce.protocol.describe.docstrings import summary
from vivavoce.protocol.describe.openapi import LICENSE, SERVER
from vivavoce.protocol.describe.schemas import (
    SCHEMAS,
    Schema,
    message_schemas,
    query_schema,
    update_schema,
)
from vivavoce.version import __version__

__all__ = ["V2_QUERY", "V3_QUERY", "asyncapi"]

V2_QUERY: Final = query_schema(V2_PARAMETERS)
V2_QUERY["redact_pii"]["enum"] = [False]  # the server refuses true
V3_QUERY: Final = query_schema(V3_PARAMETERS)

# v2's client messages are one field each; the server reads them by that field.
_V2_CLIENT: Final = {
    "audio_data": (
        "AudioData",
        "string",
        "Samples in base64; a binary message does the same, shorter.",
    ),
    "terminate_session": ("TerminateSession", "boolean", "Finish the last utterance and end the session."),
    "force_end_utterance": ("ForceEndUtterance", "boolean", "End the utterance now."),
    "end_utterance_silence_threshold": (
        "EndUtteranceSilenceThreshold",
        "integer",
        "Set the silence that ends an utterance, in ms, 0 to 20000.",
    ),
}


@dataclass(frozen=True, slots=True)
class _Side:
    """The messages of one side of one protocol.

    Attributes:
        messages: The messages, by prefix and name.
        schemas: Their schemas and those of the types that they contain, by prefix and name.
    """

    messages: dict[str, Schema]
    schemas: dict[str, Schema]


def _message(name: str, text: str, schema: str) -> Schema:
    return {
        "name": name,
        "contentType": "application/json",
        "summary": text,
        "payload": {"$ref": f"{SCHEMAS}{schema}"},
    }


def _audio(text: str) -> Schema:
    return {
        "name": "Audio",
        "contentType": "application/octet-stream",
        "summary": text,
        "payload": {"type": "string", "format": "binary"},
    }


def _v2_client() -> _Side:
    messages, schemas = {}, {}
    for field, (title, kind, text) in _V2_CLIENT.items():
        name = f"V2Client{title}"
        messages[name] = _message(title, text, name)
        schemas[name] = {
            "title": title,
            "description": text,
            "type": "object",
            "properties": {field: {"type": kind}},
            "required": [field],
        }
    messages["V2ClientAudio"] = _audio(
        "Mono samples: 100 to 2000 ms in each message; our server takes 10 ms and more."
    )
    return _Side(messages, schemas)


def _v2_server() -> _Side:
    prefix = "V2Server"
    types = {each: v2_messages.message_type(each) for each in get_args(v2_messages.ServerMessage)}
    messages = {}
    for each, tag in types.items():
        name = tag or each.__name__
        messages[f"{prefix}{name}"] = _message(name, summary(each), f"{prefix}{each.__name__}")
    parts = (v2_messages.RealtimeWord, v2_messages.RealtimeSpeakerRevisionItem)
    schemas = message_schemas({**types, **dict.fromkeys(parts)}, prefix, "message_type")
    return _Side(messages, schemas)


def _v3_client() -> _Side:
    prefix = "V3Client"
    types: dict[type, str | None] = {}
    update = update_schema(UPDATE_PARAMETERS)
    name = f"{prefix}UpdateConfiguration"
    messages = {name: _message("UpdateConfiguration", update["description"], name)}
    for each in v3_messages.CLIENT_MESSAGES:
        tag = types[each] = v3_messages.message_type(each)
        messages[f"{prefix}{tag}"] = _message(tag, summary(each), f"{prefix}{each.__name__}")
    messages[f"{prefix}Audio"] = _audio(
        "Samples, 50 to 1000 ms in each message; or one Opus packet, or a piece of an Ogg or AAC stream."
    )
    return _Side(messages, {name: update, **message_schemas(types, prefix, "type")})


def _v3_server() -> _Side:
    prefix = "V3Server"
    types = {each: v3_messages.message_type(each) for each in get_args(v3_messages.EventMessage)}
    messages = {
        f"{prefix}{tag}": _message(tag, summary(each), f"{prefix}{each.__name__}")
        for each, tag in types.items()
    }
    parts = (v3_messages.Word, v3_messages.SessionConfiguration, v3_messages.SpeakerRevisionItem)
    return _Side(messages, message_schemas({**types, **dict.fromkeys(parts)}, prefix, "type"))


def _channel(address: str, title: str, query: Schema, sides: tuple[_Side, _Side]) -> Schema:
    names = [name for side in sides for name in side.messages]
    return {
        "address": address,
        "title": title,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": query,
                "headers": {
                    "type": "object",
                    "properties": {"Authorization": {"type": "string", "description": "A key or a token."}},
                },
            }
        },
    }


def _operation(action: str, channel: str, text: str, side: _Side) -> Schema:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": text,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in side.messages],
    }


def asyncapi() -> Schema:
    """Return both WebSocket protocols as an AsyncAPI 3.0 document."""
    v2_client, v2_server, v3_client, v3_server = sides = (
        _v2_client(),
        _v2_server(),
        _v3_client(),
        _v3_server(),
    )
    v2_query = {"type": "object", "properties": V2_QUERY, "required": ["sample_rate"]}
    v3_query = {"type": "object", "properties": V3_QUERY}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vivavoce",
            "version": __version__,
            "description": "Self-hosted real-time transcription that speaks AssemblyAI's two protocols.",
            "license": LICENSE,
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {"host": SERVER, "protocol": "ws", "description": "The default of vivavoce serve."}
        },
        "channels": {
            "v2": _channel(aai_v2.PATH, "Realtime v2", v2_query, (v2_client, v2_server)),
            "v3": _channel(aai_v3.PATH, "Universal-Streaming v3", v3_query, (v3_client, v3_server)),
        },
        "operations": {
            "v2Receive": _operation("receive", "v2", "The messages of a v2 client.", v2_client),
            "v2Send": _operation("send", "v2", "The messages to a v2 client.", v2_server),
            "v3Receive": _operation("receive", "v3", "The messages of a v3 client.", v3_client),
            "v3Send": _operation("send", "v3", "The messages to a v3 client.", v3_server),
        },
        "components": {
            "messages": {name: message for side in sides for name, message in side.messages.items()},
            "schemas": {name: schema for side in sides for name, schema in side.schemas.items()},
        },
    }
