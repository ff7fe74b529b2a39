"""The real-time transcriber, with the vendor's name and arguments."""

from __future__ import annotations

import json
import logging
import math
from typing import TYPE_CHECKING, Any, Self

from vivavoce.arguments import sample_rate_hz, whole_number
from vivavoce.client.address import Address, request_headers
from vivavoce.client.chunking import is_audio
from vivavoce.client.handlers import Handlers, close_handler
from vivavoce.client.settings_client import Client
from vivavoce.client.timeouts import CLOSE_LIMIT_S, Timeouts
from vivavoce.configuration import settings as global_settings
from vivavoce.errors import ConfigurationError, RealtimeError, SessionStateError
from vivavoce.types import Encoding, SpeechTask

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
        RealtimeSpeakerRevision,
        RealtimeTranscript,
    )

__all__ = ["RealtimeTranscriber", "check_silence_ms"]

logger = logging.getLogger("vivavoce.client")


def check_silence_ms(milliseconds: int) -> int:
    """Check the silence that ends an utterance, in milliseconds.

    Raises:
        ConfigurationError: It is not a whole number in 0..20000.
    """
    from vivavoce.protocol.aai_v2.messages import MAX_SILENCE_MS  # noqa: PLC0415  - loads the protocol

    return whole_number(
        "the silence threshold",
        milliseconds,
        low=0,
        high=MAX_SILENCE_MS,
        unit="milliseconds",
    )


def _checked_encoding(encoding: str | None) -> Encoding:
    try:
        return Encoding(encoding or Encoding.PCM_S16LE)
    except ValueError:
        raise ConfigurationError(f"encoding must be one of {', '.join(Encoding)}, got {encoding!r}") from None


def _checked_task(task: str) -> str:
    try:
        return SpeechTask(task).value
    except ValueError:
        raise ConfigurationError(f"task must be one of {', '.join(SpeechTask)}, got {task!r}") from None


def _speaker_pairs(speaker_labels: bool | None, max_speakers: int | None) -> list[tuple[str, str]]:
    """The part of the query that asks for speaker labels."""
    if max_speakers is not None:
        whole_number("max_speakers", max_speakers, low=1, high=10, unit="speakers")
        if speaker_labels is False:
            raise ConfigurationError("max_speakers must be None where speaker_labels is False")
        return [("speaker_labels", "true"), ("max_speakers", str(max_speakers))]
    return [] if speaker_labels is None else [("speaker_labels", str(bool(speaker_labels)).lower())]


class RealtimeTranscriber:
    """Streams audio to a server and calls handlers with the transcripts while the speaker still talks.

    ``with`` opens and closes a session. A thread of the transcriber calls the handlers, one at a time. An
    exception in a handler does not end the session: the next :meth:`stream` or :meth:`close` raises it, once,
    as the cause of a RealtimeError.

    Args:
        on_data: Called with every transcript, partial and final.
        on_error: Called once for every error of an open session. If a session can't be opened,
            :meth:`connect` raises instead.
        on_open: Called when the server has begun the session.
        on_close: Called exactly once at the end of every session that was opened: without arguments, or, if
            it requires two, with the close code and the reason.
        sample_rate: Rate of the audio, in Hz.
        word_boost: Words to expect.
        encoding: Encoding of the samples; ``pcm_s16le`` if None.
        token: A temporary token to use instead of the key.
        client: Holds the settings; None for the global settings at the time of :meth:`connect`.
        end_utterance_silence_threshold: Silence that ends an utterance, in milliseconds, 0 to 20000.
        disable_partial_transcripts: Whether to receive final transcripts only.
        on_extra_session_information: Called before the end with the length of the audio.
        reconnect: How to restore a lost connection; None, as in the vendor's SDK: the session ends with it.
            The audio after the last final transcript is sent again, and times continue. If that fails,
            ``on_error`` gets a SessionLostError with the length of the audio without a transcript. A
            temporary token opens one connection only. The vendor's SDK does not have this argument.
        on_reconnect: Called when the connection is lost and when it is restored. The vendor's SDK does not
            have this handler.
        transport: Opens connections; WebSockets if None. The vendor's SDK does not have this argument.
        task: ``translate`` for text in English, whatever is spoken, from a server with a model that can
            translate; None: what is said. The vendor's SDK does not have this argument.
        speaker_labels: Whether final transcripts say who speaks, in ``speaker_label`` and in ``speaker`` of
            each word; a server without a voice encoder refuses the session. The vendor's SDK does not have
            this argument, nor the next two.
        max_speakers: The greatest number of speakers, 1 to 10; asks for ``speaker_labels``.
        on_speaker_revision: Called before the end with the utterances whose speakers were wrong, if there
            are any; `vivavoce.captions.TurnLog` applies it.

    Raises:
        ConfigurationError: An argument is invalid.
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
        task: SpeechTask | str | None = None,
        speaker_labels: bool | None = None,
        max_speakers: int | None = None,
        on_speaker_revision: Callable[[RealtimeSpeakerRevision], None] | None = None,
    ) -> None:
        if isinstance(word_boost, str):
            raise ConfigurationError(f"word_boost must be a list of words, got the string {word_boost!r}")
        self._encoding = _checked_encoding(encoding)
        self._handlers = Handlers(
            on_data=on_data,
            on_error=on_error,
            on_open=on_open,
            on_close=close_handler(on_close),
            on_extra_session_information=on_extra_session_information,
            on_reconnect=on_reconnect,
            on_speaker_revision=on_speaker_revision,
        )
        self._reconnect = reconnect
        self._transport = transport
        self._sample_rate = sample_rate_hz(sample_rate)
        self._client = client
        self._token = token
        self._silence_ms: int | None = None  # None: the server's default
        if end_utterance_silence_threshold is not None:
            self._silence_ms = check_silence_ms(end_utterance_silence_threshold)
        self._pairs = [("sample_rate", str(self._sample_rate))]  # of the WebSocket's query
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
        if task is not None:
            self._pairs.append(("task", _checked_task(task)))
        self._pairs += _speaker_pairs(speaker_labels, max_speakers)
        self._session: HandlerSession | None = None  # the latest one, open or not

    def connect(self, timeout: float | None = 10.0) -> None:
        """Open a session and wait until the server has begun it.

        After the end of a session, another call opens another session.

        Args:
            timeout: Limit in seconds; None for none.

        Raises:
            ConnectError: No server answers, or what answers is not a server of this protocol.
            RefusedError: The server refused the session: a wrong key, a quota, no capacity; see
                ``status_code``.
            RealtimeError: A session is open already.
            ConfigurationError: The address or the key is invalid.
        """
        # Importing what a session needs takes longer than everything else here.
        from vivavoce.client.handler_session import HandlerSession  # noqa: PLC0415
        from vivavoce.client.realtime_core import RealtimeCore  # noqa: PLC0415
        from vivavoce.client.session_config import with_stall  # noqa: PLC0415
        from vivavoce.client.transport import WebSocketTransport  # noqa: PLC0415
        from vivavoce.protocol.aai_v2 import PATH  # noqa: PLC0415

        if self._session is not None and self._session.closed is None:
            raise SessionStateError("this transcriber has already been connected: close() it first")
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

        Pieces may be of any length; the transcriber cuts them into messages. The call waits while the network
        is slower than the audio. It returns early, without an error, if a handler or another thread closes
        the session while it sends an iterable.

        Args:
            data: Mono audio at the transcriber's sample rate and encoding: bytes, or arrays of samples.

        Raises:
            RealtimeError: No session is open: :meth:`connect` was not called, or the session was closed,
                or it failed, and then this is that failure. Or a handler raised.
            TypeError: The argument is not audio.
        """
        session = self._open_session()
        session.raise_handler_error()
        if is_audio(data) or not hasattr(data, "__iter__"):
            session.send(data)
        else:
            session.check_source(data)
            session.send(self._checked(session, data))

    @staticmethod
    def _checked(session: HandlerSession, data: Any) -> Iterator[Audio]:
        for piece in data:
            session.raise_handler_error()
            yield piece

    def configure_end_utterance_silence_threshold(self, threshold_milliseconds: int) -> None:
        """Set the silence that ends an utterance; before :meth:`connect`, for the next session.

        Args:
            threshold_milliseconds: In milliseconds, 0 to 20000.

        Raises:
            ConfigurationError: The value is not a whole number in 0..20000.
            RealtimeError: The session has failed or was closed.
        """
        self._silence_ms = check_silence_ms(threshold_milliseconds)
        if self._session is not None:
            self._session.set_silence_ms(threshold_milliseconds)

    def force_end_utterance(self) -> None:
        """Request the end of the utterance; its final transcript comes at once.

        Raises:
            RealtimeError: No session is open.
        """
        self._open_session().force_endpoint()

    def close(self) -> None:
        """Send what is queued, wait for the last transcripts, end the session and call ``on_close``.

        Takes a minute at most after the last progress, whatever the server does. More calls, and calls
        before :meth:`connect`, have no effect. A call in a handler does not wait: the last handlers are
        called after it has returned.

        Raises:
            RealtimeError: A handler raised; its exception is the cause. The session is closed.
        """
        if self._session is not None:
            self._session.close()

    @property
    def close_code(self) -> int | None:
        """The WebSocket close code of the last session; 1006 if the connection was lost."""
        closed = self._session.closed if self._session is not None else None
        return closed.code if closed is not None else None

    @property
    def close_reason(self) -> str | None:
        """The reason for the end of the last session, from the server or from this client."""
        closed = self._session.closed if self._session is not None else None
        return closed.reason if closed is not None else None

    @classmethod
    def create_temporary_token(cls, expires_in: int, timeout: float | None = None) -> str:
        """Request a token that opens one session, for a client that must not have the key.

        Args:
            expires_in: How long the token can open a session, in seconds, 60 to 360000.
            timeout: Limit for the request in seconds; None for ``settings.http_timeout``.

        Raises:
            ConfigurationError: ``expires_in`` is not in 60..360000.
            ConnectError: No server answers, or what answers is not a server of this protocol.
            RefusedError: The server refused the request.
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
            logger.exception("closing the session failed after another exception")

    def _open_session(self) -> HandlerSession:
        if self._session is None:
            raise SessionStateError("not connected: connect() first")
        return self._session
