"""Messages between the parent and a worker, over a pair of Unix sockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import struct
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from vivavoce.errors import ServerError

if TYPE_CHECKING:
    import socket

__all__ = ["Channel", "ChannelClosed", "Handler"]

_log = logging.getLogger(__name__)

_HEAD: Final = struct.Struct(">I")  # length of a message
_ANSWER: Final = ""
_FAULT: Final = "!"

Handler: TypeAlias = Callable[..., Awaitable[Any] | Any]
"""Handles one kind of message; what it returns answers a call."""


class ChannelClosed(ServerError):  # noqa: N818 - it is a state, as in asyncio
    """The process at the other end is gone, or going."""


class _Message(msgspec.Struct, array_like=True):
    """A call, a notice or an answer.

    Attributes:
        number: Of a call and its answer; 0: of a notice, which gets no answer.
        name: What is called, or `_ANSWER`, or `_FAULT`: a bug was met instead.
        body: The arguments of a call, or the value of an answer.
    """

    number: int
    name: str
    body: Any


_decode_message = msgspec.msgpack.Decoder(_Message).decode


class Channel:
    """One end of a channel. Messages arrive in the order in which they were sent."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        """Prepare; `open` connects it.

        Args:
            handlers: What handles the messages of the other end, by name. A handler that is a coroutine
                function runs as a task of its own.
        """
        self._handlers = handlers
        self._reader: asyncio.StreamReader | None = None  # None before it is open
        self._writer: asyncio.StreamWriter | None = None  # None before it is open and after it is closed
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}  # calls without an answer
        self._tasks: set[asyncio.Task[None]] = set()  # handlers that run

    async def open(self, sock: socket.socket) -> None:
        """Begin to send: what is sent from now on arrives once the other end is open, too.

        Args:
            sock: One end of a connected pair of stream sockets.
        """
        self._reader, self._writer = await asyncio.open_unix_connection(sock=sock)

    async def run(self) -> None:
        """Handle messages until the other end is gone; `open` comes first."""
        reader = self._reader
        if reader is None:
            return
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    (length,) = _HEAD.unpack(await reader.readexactly(_HEAD.size))
                    message = _decode_message(await reader.readexactly(length))
                    self._handle(message)
        finally:
            self.close()

    def close(self) -> None:
        """Close this end; calls that wait for an answer fail."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ChannelClosed("the process at the other end is gone"))
        self._waiting.clear()

    def tell(self, name: str, *arguments: Any) -> None:
        """Send a notice; it is lost if the other end is gone."""
        self._send(_Message(0, name, arguments))

    async def call(self, name: str, *arguments: Any) -> Any:
        """Send a call and wait for its answer.

        Raises:
            ChannelClosed: The other end is gone.
            ServerError: The other end met a bug, which it has logged.
        """
        if self._writer is None:
            raise ChannelClosed("the process at the other end is gone")
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._send(_Message(number, name, arguments))
            return await future
        finally:
            self._waiting.pop(number, None)

    def _send(self, message: _Message) -> None:
        if self._writer is None:
            return
        data = msgspec.msgpack.encode(message)
        self._writer.write(_HEAD.pack(len(data)) + data)

    @staticmethod
    def tell_once(sock: socket.socket, name: str, *arguments: Any) -> None:
        """Send a notice through a socket that no channel has used yet, and wait until it is sent."""
        data = msgspec.msgpack.encode(_Message(0, name, arguments))
        with contextlib.suppress(OSError):
            sock.sendall(_HEAD.pack(len(data)) + data)

    def _handle(self, message: _Message) -> None:
        if message.name in {_ANSWER, _FAULT}:
            future = self._waiting.get(message.number)
            if future is not None and not future.done():
                if message.name == _ANSWER:
                    future.set_result(message.body)
                else:
                    future.set_exception(ServerError("a call to another process of this server failed"))
            return
        try:
            result = self._handlers[message.name](*message.body)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not end the processes
            self._note_fault(message, error)
            return
        if asyncio.iscoroutine(result):
            task = asyncio.ensure_future(self._finish(message, result))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif message.number:
            self._send(_Message(message.number, _ANSWER, result))

    async def _finish(self, message: _Message, result: Awaitable[Any]) -> None:
        try:
            value = await result
        except ChannelClosed:
            return
        except Exception as error:  # noqa: BLE001 - the same
            self._note_fault(message, error)
            return
        if message.number:
            self._send(_Message(message.number, _ANSWER, value))

    def _note_fault(self, message: _Message, error: Exception) -> None:
        _log.error("%s of another process failed: %s: %s", message.name, type(error).__name__, error)
        _log.debug("traceback", exc_info=error)
        if message.number:
            self._send(_Message(message.number, _FAULT, None))
