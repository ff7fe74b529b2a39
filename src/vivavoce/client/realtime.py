"""The real-time transcriber, under the vendor's name and with the vendor's arguments."""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any, Final, Self

from vivavoce.arguments import sample_rate_hz, whole_number
from vivavoce.client.address import Address, request_headers
from vivavoce.client.chunking import is_audio
from vivavoce.client.handlers import Handlers, close_handler
from vivavoce.client.settings_client import Client
from vivavoce.client.timeouts import Timeouts
from vivavoce.errors import ConfigurationError, RealtimeError
from vivavoce.settings import settings as global_settings
from vivavoce.types import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from vivavoce.client.backoff import Reconnect
    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import ReconnectedEvent, ReconnectingEvent
    from vivavoce.client.handler_session import HandlerSession
    from vivavoce.client.transport import Transport
    from vivavoce.protocol.aai_v2.messages import (
        AudioEncoding,
        RealtimeSessionInformation,
        RealtimeSessionOpened,
        RealtimeTranscript,
    )

__all__ = ["CLOSE_LIMIT_S", "RealtimeTranscriber", "check_silence_ms"]

logger = logging.getLogger("vivavoce.client")

CLOSE_LIMIT_S: Final = 5.0
"""How long a closing session may go without progress, in seconds."""


def check_silence_ms(milliseconds: int) -> int:
    """Check the silence that ends an utterance, in milliseconds.

    Raises:
        ConfigurationError: It is no whole number in 0..20000.
    """
    from vivavoce.protocol.aai_v2.messages import MAX_SILENCE_MS  # noqa: PLC0415  - loaded where it is needed

    return whole_number(
        "the silence that ends an utterance",
        milliseconds,
        low=0,
        high=MAX_SILENCE_MS,
        unit="milliseconds",
    )


class RealtimeTranscriber:
    """Streams sound to a server and hands over what it understands while it is still being spoken.

    ``with`` opens and closes it. Handlers are called one at a time, from a thread of the
    transcriber's own. An exception in one ends nothing: the next :meth:`stream` or :meth:`close` raises
    it, once, as the cause of a RealtimeError.

    Args:
        on_data: Called with every transcript, partial and final.
        on_error: Called once for every fault of a running session. A session that could not be opened
            is no such fault: :meth:`connect` raises.
        on_open: Called when the server has begun the session.
        on_close: Called exactly once for every session that was opened, at its end: without arguments, or,
            if it needs two, with the close code and the reason.
        sample_rate: Rate of the audio, in Hz.
        word_boost: Words to expect.
        encoding: How the samples are written; ``pcm_s16le`` if None.
        token: A temporary token to use instead of the key.
        client: Whose settings to use; the global ones if None, as they are at :meth:`connect`.
        end_utterance_silence_threshold: Silence that ends an utterance, in milliseconds, 0 to 20000.
        disable_partial_transcripts: Whether to have finished utterances only.
        on_extra_session_information: Called before the end with what the server counted.
        reconnect: How hard to try to keep the session when its connection is lost; None, as with the
            vendor, for not at all. What followed the last final transcript is sent again, and times go on.
            Where that fails, ``on_error`` gets a SessionLostError, which says how much was not
            transcribed. A temporary token opens one connection only. Not one of the vendor's arguments.
        on_reconnect: Called when the connection was lost and when there is another one; no handler of
            the vendor's.
        transport: Opens connections; WebSockets if None. Not one of the vendor's arguments.

    Raises:
        ConfigurationError: An argument can't be used.
    """

    def __init__(
        self,
        *,
        on_data: Callable[[RealtimeTranscript], None],
        on_error: Callable[[RealtimeError], None],
        on_open: Callable[[RealtimeSessionOpened], None] | None = None,
        on_close: Callable[[], None] | Callable[[int, str], None] | None = None,
        sample_rate: int,
        word_boost: Sequence[str] = (),
        encoding: AudioEncoding | None = None,
        token: str | None = None,
        client: Client | None = None,
        end_utterance_silence_threshold: int | None = None,
        disable_partial_transcripts: bool | None = None,
        on_extra_session_information: Callable[[RealtimeSessionInformation], None] | None = None,
        reconnect: Reconnect | None = None,
        on_reconnect: Callable[[ReconnectingEvent | ReconnectedEvent], None] | None = None,
        transport: Transport | None = None,
    ) -> None:
        if isinstance(word_boost, str):
            raise ConfigurationError("word_boost must be a list of words, got one string")
        try:
            self._encoding = Encoding(encoding or Encoding.PCM_S16LE)
        except ValueError:
            raise ConfigurationError(
                f"encoding must be one of {', '.join(Encoding)}, got {encoding!r}"
            ) from None
        self._handlers = Handlers(
            on_data=on_data,
            on_error=on_error,
            on_open=on_open,
            on_close=close_handler(on_close),
            on_extra_session_information=on_extra_session_information,
            on_reconnect=on_reconnect,
        )
        self._reconnect = reconnect
        self._transport = transport
        self._sample_rate = sample_rate_hz(sample_rate)
        self._client = client
        self._token = token
        self._silence_ms: int | None = None
        if end_utterance_silence_threshold is not None:
            self._silence_ms = check_silence_ms(end_utterance_silence_threshold)
        self._pairs = [("sample_rate", str(self._sample_rate))]
        if word_boost:
            self._pairs.append(("word_boost", json.dumps(list(word_boost))))
        if encoding is not None:
            self._pairs.append(("encoding", self._encoding.value))
        if disable_partial_transcripts is not None:
            self._pairs.append(
                ("disable_partial_transcripts", str(bool(disable_partial_transcripts)).lower())
            )
        if on_extra_session_information is not None:
            self._pairs.append(("enable_extra_session_information", "true"))
        self._session: HandlerSession | None = None

    def connect(self, timeout: float | None = 10.0) -> None:
        """Open a session and wait until the server has begun it.

        After a session has ended, this opens another.

        Args:
            timeout: Limit in seconds; None for none.

        Raises:
            ConnectError: Nobody answers at the address, or what answers is no such server.
            RefusedError: The server said no: a wrong key, a quota, no free place. ``status_code`` says which.
            RealtimeError: A session is open already.
            ConfigurationError: The address or the key can't be used.
        """
        # Loading all that a session needs takes longer than all the rest.
        from vivavoce.client.handler_session import HandlerSession  # noqa: PLC0415
        from vivavoce.client.realtime_core import RealtimeCore  # noqa: PLC0415
        from vivavoce.client.session_config import with_stall  # noqa: PLC0415
        from vivavoce.client.transport import WebSocketTransport  # noqa: PLC0415
        from vivavoce.protocol.aai_v2 import PATH  # noqa: PLC0415

        if self._session is not None and self._session.closed is None:
            raise RealtimeError("a session is open already: close() it first")
        settings = (self._client or Client.get_default()).settings
        address = Address.parse(settings.base_url)
        headers: dict[str, str] = {}
        pairs = self._pairs
        if self._token:
            pairs = [*pairs, ("token", self._token)]
        else:
            headers = request_headers(settings.api_key)
        url = address.websocket_url(PATH, pairs)
        limit_s = math.inf if timeout is None else timeout
        stall_s = self._reconnect.stall_s if self._reconnect is not None else None
        transport = self._transport or WebSocketTransport()
        core = RealtimeCore(
            where=str(address),
            sample_rate=self._sample_rate,
            encoding=self._encoding,
            silence_ms=self._silence_ms,
            reconnect=self._reconnect,
        )
        timeouts = Timeouts(connect_s=limit_s, begin_s=limit_s, open_s=limit_s, close_s=CLOSE_LIMIT_S)
        session = self._session = HandlerSession(
            core,
            lambda: transport(url, headers, timeout_s=limit_s, stall_s=stall_s),
            with_stall(timeouts, self._reconnect),
            self._handlers,
        )
        try:
            session.open()
        except BaseException:
            self._session = None
            raise
        session.start_handlers()

    def stream(self, data: Audio | Iterable[Audio]) -> None:
        """Send audio: one piece, or every piece of an iterable.

        Pieces may be of any length; they are cut anew into messages that the protocol takes. While the
        network is slower than the sound, this waits. An iterable is left, without an error, when the
        session is closed from a handler or another thread.

        Args:
            data: Mono audio at the transcriber's sample rate and encoding: bytes, or arrays of samples.

        Raises:
            RealtimeError: No session is open: :meth:`connect` was not called, or the session was closed,
                or it failed, and then this is that failure. Or a handler raised.
            TypeError: It is no audio.
        """
        session = self._open_session()
        session.raise_handler_error()
        if is_audio(data) or not hasattr(data, "__iter__"):
            session.send(data)
        else:
            session.send(self._checked(session, data))

    @staticmethod
    def _checked(session: HandlerSession, data: Any) -> Iterator[Audio]:
        for piece in data:
            session.raise_handler_error()
            yield piece

    def configure_end_utterance_silence_threshold(self, threshold_milliseconds: int) -> None:
        """Set the silence that ends an utterance, from now on; before :meth:`connect` for the next session.

        Args:
            threshold_milliseconds: In milliseconds, 0 to 20000.

        Raises:
            ConfigurationError: It is out of bounds.
            RealtimeError: The session has failed or was closed.
        """
        self._silence_ms = check_silence_ms(threshold_milliseconds)
        if self._session is not None:
            self._session.set_silence_ms(threshold_milliseconds)

    def force_end_utterance(self) -> None:
        """End the utterance now; its final transcript comes at once.

        Raises:
            RealtimeError: No session is open.
        """
        self._open_session().force_endpoint()

    def close(self) -> None:
        """End the session: send what is queued, wait for the last transcripts, call ``on_close``.

        Once nothing moves any more it takes a few seconds at most, whatever the server does. May be called
        more than once, before :meth:`connect`, and from a handler; there it does not wait, and what is still
        to come comes after the handler has returned.

        Raises:
            RealtimeError: A handler raised; its exception is the cause. The session is closed nonetheless.
        """
        if self._session is not None:
            self._session.close()

    @property
    def close_code(self) -> int | None:
        """The WebSocket close code that the last session ended with; 1006 where the connection was lost."""
        closed = self._session.closed if self._session is not None else None
        return closed.code if closed is not None else None

    @property
    def close_reason(self) -> str | None:
        """What the server said at the end of the last session, or what happened."""
        closed = self._session.closed if self._session is not None else None
        return closed.reason if closed is not None else None

    @classmethod
    def create_temporary_token(cls, expires_in: int, timeout: float | None = None) -> str:
        """Ask the server for a token that opens one session, to give to somebody without the key.

        Args:
            expires_in: How long it may be used to open a session, in seconds, 60 to 360000.
            timeout: Limit for the request in seconds; None for ``settings.http_timeout``.

        Raises:
            ConfigurationError: ``expires_in`` is out of bounds.
            ConnectError: Nobody answers, or what answers is no such server.
            RefusedError: The server said no.
        """
        from vivavoce.client.temporary_tokens import create_token  # noqa: PLC0415  - brings what v2 is made of

        return create_token(global_settings, expires_in, timeout)

    def __enter__(self) -> Self:
        if self._session is None or self._session.closed is not None:
            self.connect()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except RealtimeError:
            if exc_value is None:
                raise
            logger.exception("while another exception was on its way")

    def _open_session(self) -> HandlerSession:
        if self._session is None:
            raise RealtimeError("no session is open: connect() first")
        return self._session
