"""A plug-in of pytest that runs the tests of the vendor's SDK against ours.

Their imports of ``assemblyai`` get our modules. They replace the function that opens a WebSocket, and script
what it returns: a transport of ours calls that function and speaks to its result. Their scripts have no
beginning of a session, which our SDK waits for, so the transport adds one. What they read inside the clients
is there under the vendor's names, where our SDK has the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.abc
import importlib.util
import json
import sys
import threading
import time
import types
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import websockets.exceptions
from websockets.datastructures import Headers
from websockets.http11 import Response

import vivavoce
import vivavoce.client.session_config
import vivavoce.client.transport
import vivavoce.extras
import vivavoce.streaming.v3.async_client
import vivavoce.streaming.v3.client
import vivavoce.streaming.v3.extras
import vivavoce.streaming.v3.models
from vendor_sdk.differences import REASONS
from vivavoce.client.address import Address
from vivavoce.client.dial_errors import USER_AGENT, translate_dial_errors
from vivavoce.client.transport import ConnectionEnded
from vivavoce.protocol.aai_v2.messages import ErrorMessage, decode_server_message
from vivavoce.protocol.aai_v3.messages import KeepAlive, decode_event
from vivavoce.streaming.v3.base import BaseClient

_BEGIN = {
    "v2": {
        "message_type": "SessionBegins",
        "session_id": "f14499a6-c399-4c30-b1eb-0a33af64b1d9",
        "expires_at": "2033-05-18T03:33:20",
    },
    "v3": {"type": "Begin", "id": "f14499a6-c399-4c30-b1eb-0a33af64b1d9", "expires_at": 2_000_000_000},
}
_WAIT_S = 2.0

# --- modules under the vendor's names --------------------------------------------------------------

v3_client: Any = vivavoce.streaming.v3.client
v3_async: Any = vivavoce.streaming.v3.async_client
v3_extras: Any = vivavoce.streaming.v3.extras
v3_base: Any = types.ModuleType("assemblyai.streaming.v3._base")
v3_base._build_uri = lambda address, parameters: (
    f"{address}?{'&'.join(f'{name}={value}' for name, value in parameters.to_query())}"
)
transcriber: Any = types.ModuleType("assemblyai.transcriber")
api: Any = types.ModuleType("assemblyai.api")
api.ENDPOINT_REALTIME_TOKEN = "/v2/realtime/token"
api.ENDPOINT_UPLOAD = "/v2/upload"
transcriber.websocket_connect = v3_client.websocket_connect = v3_async.websocket_connect_async = None
_MADE = {module.__name__: module for module in (v3_base, transcriber, api)}
for _name in ("transcriber", "api"):
    setattr(vivavoce, _name, _MADE[f"assemblyai.{_name}"])
vivavoce.streaming.v3._base = v3_base  # type: ignore[attr-defined]


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname.partition(".")[0] != "assemblyai":
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def create_module(self, spec: Any) -> Any:
        made = _MADE.get(spec.name)
        if made is not None:
            return made
        return SimpleNamespace(module=importlib.import_module(spec.name.replace("assemblyai", "vivavoce", 1)))

    def exec_module(self, module: Any) -> None:
        if isinstance(module, SimpleNamespace):
            sys.modules[module.__spec__.name] = module.module


sys.meta_path.insert(0, _Finder())


# --- sockets that tests script ---------------------------------------------------------------------


opened: list[_Socket] = []


class _Socket:
    """A connection of our SDK over a socket of theirs, with blocking methods or with coroutines."""

    def __init__(self, socket: Any, protocol: str) -> None:
        self._socket = socket
        self._begin: str | None = json.dumps(_BEGIN[protocol])  # to come, unless the script has its own
        self._first: str | bytes | None = None  # what came before it
        self.sent: list[bytes | str] = []
        opened.append(self)

    @property
    def scripted(self) -> Any:
        """The socket of the test."""
        return self._socket

    async def _call(self, name: str, *arguments: object) -> Any:
        method = getattr(self._socket, name, None)
        if method is None:
            await asyncio.Event().wait()
        try:
            if asyncio.iscoroutinefunction(method):
                return await method(*arguments)
            return await asyncio.to_thread(method, *arguments)
        except websockets.exceptions.ConnectionClosed as closed:
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
            raise ConnectionEnded(code, reason) from None

    async def send(self, message: bytes | str) -> None:
        self.sent.append(message)
        await self._call("send", message)

    async def receive(self) -> bytes | str:
        if self._begin is not None:
            begin, self._begin = self._begin, None
            with contextlib.suppress(TimeoutError, ConnectionEnded):
                self._first = await asyncio.wait_for(self._receive(), 0.05)
            if self._first is None or "Begin" not in str(self._first):
                return begin
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return await self._receive()

    async def _receive(self) -> bytes | str:
        while True:
            with contextlib.suppress(TimeoutError):
                message = await self._call("recv")
                if isinstance(message, bytes | str):
                    return message
                await asyncio.Event().wait()
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self._call("close")

    def abort(self) -> None:
        pass


class _Transport:
    async def __call__(self, url: str, headers: Any, *, timeout_s: float, stall_s: float | None) -> _Socket:
        protocol = "v3" if "/v3/" in url else "v2"
        sent = dict(headers) | ({"User-Agent": USER_AGENT} if protocol == "v3" else {})
        options: dict[str, Any] = {"additional_headers": sent or None, "open_timeout": timeout_s}
        with translate_dial_errors(Address.parse(url.partition("/v")[0]), None):
            try:
                if protocol == "v2":
                    socket = transcriber.websocket_connect(url, **options)
                elif threading.current_thread() is threading.main_thread():
                    socket = await asyncio.wait_for(
                        v3_async.websocket_connect_async(url, **options), timeout_s
                    )
                else:
                    socket = v3_client.websocket_connect(url, **options)
            except websockets.exceptions.InvalidStatus as refused:
                status = refused.response.status_code  # all that the scripts have of a response
                raise websockets.exceptions.InvalidStatus(Response(status, "", Headers())) from None
        return _Socket(socket, protocol)


for _module in (vivavoce.client.transport, vivavoce.client.session_config):
    _module.WebSocketTransport = _Transport  # type: ignore[misc,assignment]


# --- what the tests look at inside -------------------------------------------------------------------


class _Worker:
    """A thread or task of a session: all of them end with the session."""

    ident = 1

    def __init__(self, client: Any) -> None:
        self._client = client

    def is_alive(self) -> bool:
        session = self._client._session
        return session is not None and session.closed is None

    def done(self) -> bool:
        return not self.is_alive()

    def is_set(self) -> bool:
        return self._client._session is None or not self.is_alive()


class _Queue:
    """What a client sends; audio that is put before it connects is sent then."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.early: list[bytes] = []

    def put(self, chunk: bytes) -> None:
        self.early.append(chunk)

    def qsize(self) -> int:
        deadline = time.monotonic() + _WAIT_S
        while not opened[-1].sent and time.monotonic() < deadline:
            time.sleep(0.01)
        return len(opened[-1].sent)

    def get(self, timeout: float = 0.0) -> object:
        message = opened[-1].sent[0]
        return msgspec.json.decode(message, type=KeepAlive) if isinstance(message, str) else message


class _Impl:
    """The part of the vendor's `RealtimeTranscriber` that takes messages."""

    def __init__(self, transcriber: vivavoce.RealtimeTranscriber) -> None:
        self._handlers = transcriber._handlers

    def _handle_message(self, fields: dict[str, Any]) -> None:
        handlers = self._handlers
        match decode_server_message(json.dumps(fields)):
            case vivavoce.RealtimeSessionOpened() as opened_session if handlers.on_open:
                handlers.on_open(opened_session)
            case vivavoce.RealtimeTranscript() as transcript:
                handlers.on_data(transcript)
            case vivavoce.RealtimeSessionInformation() as information if (
                handlers.on_extra_session_information
            ):
                handlers.on_extra_session_information(information)
            case ErrorMessage() as error:
                handlers.on_error(vivavoce.RealtimeError(error.error))


def _worker(client: Any) -> _Worker | None:
    is_sync = isinstance(client, v3_client.RealTimeTranscriber)
    return _Worker(client) if is_sync or client._session is not None else None


def _queue(client: Any) -> _Queue:
    queue: _Queue = client.__dict__.setdefault("_vendor_queue", _Queue(client))
    return queue


def _connect_with_early_audio(connect: Any) -> Any:
    def connected(client: Any, params: Any) -> None:
        connect(client, params)
        with contextlib.suppress(vivavoce.RealtimeError):
            for chunk in _queue(client).early:
                client.stream(chunk)

    return connected


for _class in (v3_client.RealTimeTranscriber, v3_async.AsyncRealTimeTranscriber):
    for _name in ("_read_thread", "_write_thread", "_read_task", "_write_task", "_stop_event"):
        setattr(_class, _name, property(_worker))
    _class._write_queue = property(_queue)
    _class._websocket = property(lambda _client: opened[-1].scripted)
    _class._parse_message = staticmethod(lambda data: decode_event(json.dumps(data)))
vivavoce.RealtimeTranscriber._impl = property(_Impl)


def _without_our_begin(handlers_of: Any) -> Any:
    def found(client: Any, event: Any) -> tuple[str, list[Any]]:
        if getattr(event, "id", None) == _BEGIN["v3"]["id"]:
            return "Begin", []
        name, handlers = handlers_of(client, event)
        return name, handlers

    return found


BaseClient._handlers_of = _without_our_begin(BaseClient._handlers_of)
v3_client.RealTimeTranscriber.connect = _connect_with_early_audio(v3_client.RealTimeTranscriber.connect)


class _ChannelMixer:
    """The vendor's mixer, which is a part of our streamer."""

    def __init__(self, channels: list[str], sample_rate: int, options: Any) -> None:
        client = SimpleNamespace(on=lambda *_: None, stream=lambda _: None)
        self._streamer: Any = v3_extras.ChannelStreamer(client, channels, sample_rate, options)

    def ingest(self, channel: str, data: bytes) -> None:
        self._streamer._take(channel, data)

    def drain(self, force: bool = False) -> list[bytes]:
        return list(self._streamer._mixed(flush=force))

    def close_channel(self, channel: str) -> None:
        self._streamer._channel(channel).ended = True


v3_extras._ChannelMixer = _ChannelMixer

# --- collecting ----------------------------------------------------------------------------------------


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Let our threads run where the tests stop the vendor's; mark the tests that must fail."""
    for item in items:
        if hasattr(item.module, "_disable_rw_threads"):
            item.module._disable_rw_threads = lambda _mocker: None
        name = f"{item.path.stem}::{item.name}"
        reason = REASONS.get(name) or REASONS.get(name.partition("[")[0])
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
