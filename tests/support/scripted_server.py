"""A server that plays a script: what a real-time server can do to its client, good and bad."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT_S = 30.0
SESSION_ID = str(uuid.UUID("6f1f6f0e-6a0e-4c0e-8b3e-2f8f4a1c9d10"))


def begins() -> dict[str, Any]:
    return {
        "message_type": "SessionBegins",
        "session_id": SESSION_ID,
        "expires_at": "2031-01-02T03:04:05.678900",
    }


def transcript(text: str, *, final: bool = False) -> dict[str, Any]:
    words = [
        {"start": 100 * index, "end": 100 * index + 90, "confidence": 0.9, "text": word}
        for index, word in enumerate(text.split())
    ]
    message = {
        "message_type": "FinalTranscript" if final else "PartialTranscript",
        "audio_start": 0,
        "audio_end": 100 * len(words),
        "confidence": 0.9,
        "text": text,
        "words": words,
        "created": "2031-01-02T03:04:06.1",
    }
    return message | ({"punctuated": True, "text_formatted": True} if final else {})


@dataclass(frozen=True)
class Send:
    """Send a message: a dict goes as JSON, a string as it is."""

    message: dict[str, Any] | str


@dataclass(frozen=True)
class ExpectAudio:
    """Read messages until this many bytes of audio have come in this step."""

    least_bytes: int


@dataclass(frozen=True)
class Expect:
    """Read messages until a JSON message with this field comes."""

    name: str


@dataclass(frozen=True)
class Close:
    """Close the WebSocket."""

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True)
class Stall:
    """Stop reading and sending, until the server is stopped or the event is set."""

    until: threading.Event | None = None


@dataclass(frozen=True)
class Listen:
    """Read and send nothing, until the client is gone or the server is stopped."""


@dataclass(frozen=True)
class Drop:
    """End the TCP connection without a close frame."""


@dataclass(frozen=True)
class Refuse:
    """Answer the handshake with an HTTP status. Must stand alone."""

    status: int
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


Step = Send | ExpectAudio | Expect | Close | Stall | Listen | Drop | Refuse

BEGIN = Send(begins())
TERMINATED = Send({"message_type": "SessionTerminated"})
GOOD_END = (Expect("terminate_session"), Send(transcript("Good bye.", final=True)), TERMINATED, Close())


@dataclass
class Seen:
    """What one client did."""

    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    texts: list[dict[str, Any]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    audio_bytes: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def audio(self) -> bytes:
        return b"".join(self.chunks)


class ScriptedServer:
    """Plays one script for each connection, in the order in which they come."""

    def __init__(self, *scripts: Sequence[Step]) -> None:
        self._scripts = list(scripts)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.seen: list[Seen] = []
        self.failures: list[BaseException] = []
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._sock.getsockname()[1]
        self._server = serve(
            self._play,
            sock=self._sock,
            process_request=self._admit,
            compression=None,
            close_timeout=1,
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._thread.join(LIMIT_S)
        for seen in self.seen:
            seen.over.wait(LIMIT_S)
        if self.failures:
            raise self.failures[0]

    def _admit(self, connection: ServerConnection, request: Any) -> Any:
        with self._lock:
            script = self._scripts.pop(0)
            seen = Seen(request.path, {name.lower(): value for name, value in request.headers.raw_items()})
            self.seen.append(seen)
        if isinstance(script[0], Refuse):
            seen.over.set()
            response = connection.respond(script[0].status, script[0].body)
            for name, value in script[0].headers:
                response.headers[name] = value
            return response
        connection.script = script  # type: ignore[attr-defined]
        connection.seen = seen  # type: ignore[attr-defined]
        return None

    def _play(self, connection: ServerConnection) -> None:
        seen: Seen = connection.seen  # type: ignore[attr-defined]
        try:
            for step in connection.script:  # type: ignore[attr-defined]
                self._step(connection, seen, step)
        except ConnectionClosed:
            pass  # the client closed first; the test decides whether that is right
        except Exception as error:  # noqa: BLE001  - raised in the test when the server stops
            self.failures.append(error)
        finally:
            seen.over.set()

    def _step(self, connection: ServerConnection, seen: Seen, step: Step) -> None:
        match step:
            case Send():
                message = step.message
                connection.send(message if isinstance(message, str) else json.dumps(message))
            case ExpectAudio():
                wanted = seen.audio_bytes + step.least_bytes
                while seen.audio_bytes < wanted:
                    self._read(connection, seen)
            case Expect():
                while not (seen.texts and step.name in seen.texts[-1]):
                    self._read(connection, seen)
            case Close():
                connection.close(step.code, step.reason)
            case Stall():
                (step.until or self._stopped).wait(LIMIT_S)
            case Listen():
                while not self._stopped.is_set():
                    try:
                        self._read(connection, seen, limit_s=0.05)
                    except TimeoutError:
                        continue
            case Drop():
                connection.socket.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _read(connection: ServerConnection, seen: Seen, limit_s: float | None = None) -> None:
        message = connection.recv(LIMIT_S if limit_s is None else limit_s)
        if isinstance(message, str):
            seen.texts.append(json.loads(message))
        else:
            seen.chunks.append(message)
            seen.audio_bytes += len(message)
