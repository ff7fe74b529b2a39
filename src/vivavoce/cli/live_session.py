"""One session: sound in, captions out, until the source ends or somebody stops it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vivavoce.cli.transcript_line import from_sdk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from vivavoce.cli.interrupt import Interrupt
    from vivavoce.cli.transcript_line import TranscriptLine
    from vivavoce.types import Encoding

__all__ = [
    "CONNECT_TIMEOUT_S",
    "Transcriber",
    "TranscriberFactory",
    "run_session",
    "sdk_transcriber",
]

CONNECT_TIMEOUT_S = 10.0


class Transcriber(Protocol):
    """What the command line needs of the SDK's transcriber."""

    def connect(self, timeout: float | None = ...) -> None:
        """Open the session; the limit is in seconds."""

    def stream(self, data: Iterable[bytes]) -> None:
        """Send audio until it ends."""

    def close(self) -> None:
        """End the session and wait for its last final."""


class TranscriberFactory(Protocol):
    """Makes a session; the handlers may be called from another thread."""

    def __call__(
        self,
        *,
        on_transcript: Callable[[TranscriptLine], None],
        on_error: Callable[[Exception], None],
        sample_rate: int,
        encoding: Encoding,
    ) -> Transcriber:
        """Make one."""


def sdk_transcriber(
    *,
    on_transcript: Callable[[TranscriptLine], None],
    on_error: Callable[[Exception], None],
    sample_rate: int,
    encoding: Encoding,
) -> Transcriber:
    """A session of the SDK against the server that its settings name."""
    import vivavoce as sdk

    def on_data(transcript: sdk.RealtimeTranscript) -> None:
        on_transcript(from_sdk(transcript, is_final=isinstance(transcript, sdk.RealtimeFinalTranscript)))

    return sdk.RealtimeTranscriber(
        on_data=on_data,
        on_error=on_error,
        sample_rate=sample_rate,
        encoding=sdk.AudioEncoding(encoding.value),
    )


def _until_stopped(chunks: Iterable[bytes], interrupt: Interrupt) -> Iterator[bytes]:
    if interrupt.requested:
        return
    for chunk in chunks:
        yield chunk
        if interrupt.requested:
            return


def run_session(
    chunks: Iterable[bytes],
    *,
    sample_rate: int,
    encoding: Encoding,
    show: Callable[[TranscriptLine], None],
    interrupt: Interrupt,
    connected: Callable[[], None] = lambda: None,
    ends_itself: bool = False,
    factory: TranscriberFactory = sdk_transcriber,
) -> None:
    """Run a session to its end.

    Args:
        chunks: The sound.
        sample_rate: Of the sound, in Hz.
        encoding: Of the sound.
        show: Takes every caption; a closed pipe ends the session.
        interrupt: Stops the source; is told when the last final has been shown.
        connected: Called once the server has answered.
        ends_itself: Whether the source ends when the interrupt asks for it; what it gives until then was
            said before, and is sent. Any other source is left at once.
        factory: Makes the session.

    Raises:
        ConnectError: No server, or it went away.
        RefusedError: The server said no.
        RealtimeError: The session failed.
        BrokenPipeError: Nobody reads the captions any more.
    """
    failures: list[Exception] = []
    pipe_closed: list[BrokenPipeError] = []

    def on_transcript(caption: TranscriptLine) -> None:
        if pipe_closed:
            return
        try:
            show(caption)
        except BrokenPipeError as error:  # raised later, in the thread that can end the program
            pipe_closed.append(error)
            interrupt.stop()

    def on_error(error: Exception) -> None:
        failures.append(error)
        interrupt.stop()

    session = factory(
        on_transcript=on_transcript, on_error=on_error, sample_rate=sample_rate, encoding=encoding
    )
    session.connect(timeout=CONNECT_TIMEOUT_S)
    try:
        connected()
        session.stream(chunks if ends_itself else _until_stopped(chunks, interrupt))
    finally:
        session.close()
    if pipe_closed:
        raise pipe_closed[0]
    if failures:
        raise failures[0]
    interrupt.finished()
