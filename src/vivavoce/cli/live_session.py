"""One session: audio in, transcripts out, until the source ends or a stop is requested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.cli.chunks import until
from vivavoce.cli.transcribers import sdk_transcriber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vivavoce.cli.interrupt import Interrupt
    from vivavoce.cli.transcribers import TranscriberFactory
    from vivavoce.cli.transcript_line import TranscriptLine
    from vivavoce.types import Encoding

__all__ = ["CONNECT_TIMEOUT_S", "run_session"]

CONNECT_TIMEOUT_S = 10.0


def run_session(
    chunks: Iterable[bytes],
    *,
    sample_rate: int,
    encoding: Encoding,
    show: Callable[[TranscriptLine], None],
    interrupt: Interrupt,
    on_connected: Callable[[], None] = lambda: None,
    drains_on_stop: bool = False,
    factory: TranscriberFactory = sdk_transcriber,
) -> None:
    """Run a session to its end.

    Args:
        chunks: The audio.
        sample_rate: Sample rate of the audio, in Hz.
        encoding: Encoding of the audio.
        show: Receives every transcript; a closed pipe ends the session.
        interrupt: Stops the source; marked as finished once the last final is shown.
        on_connected: Called when the session is open.
        drains_on_stop: Whether the source reacts to the interrupt itself and ends after the audio that
            it had recorded before; that audio is sent. Any other source is dropped at once.
        factory: Creates the transcriber.

    Raises:
        ConnectError, SessionLostError: There is no server, or the connection was lost for good.
        RefusedError: The server refused the session.
        RealtimeError: The session failed.
        BrokenPipeError: The reader of the transcripts closed the pipe.
    """
    failures: list[Exception] = []
    pipe_errors: list[BrokenPipeError] = []

    def on_transcript(transcript: TranscriptLine) -> None:
        if pipe_errors:
            return
        try:
            show(transcript)
        except BrokenPipeError as error:  # raised below, on the thread that can end the program
            pipe_errors.append(error)
            interrupt.request_stop()

    def on_error(error: Exception) -> None:
        failures.append(error)
        interrupt.request_stop()

    transcriber = factory(
        on_transcript=on_transcript, on_error=on_error, sample_rate=sample_rate, encoding=encoding
    )
    transcriber.connect(timeout=CONNECT_TIMEOUT_S)
    try:
        on_connected()
        transcriber.stream(chunks if drains_on_stop else until(chunks, lambda: interrupt.stop_requested))
    finally:
        transcriber.close()
    if pipe_errors:
        raise pipe_errors[0]
    if failures:
        raise failures[0]
    interrupt.mark_finished()
