"""The short interface without asyncio."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

from vivavoce.client.events import (
    BeginEvent,
    SpeakerRevisionEvent,
    TerminationEvent,
    TurnEvent,
    UpdateEvent,
)
from vivavoce.client.operations import KEEP_ALIVE
from vivavoce.client.session_config import update_fields
from vivavoce.client.threaded import ThreadedSession
from vivavoce.errors import RealtimeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import Event
    from vivavoce.client.session_config import SessionConfig
    from vivavoce.client.stream_core import StreamCore

__all__ = ["Session"]


class Session(ThreadedSession[BeginEvent | UpdateEvent | TerminationEvent]):
    """An open session; :func:`vivavoce.connect` makes it.

    Send audio with :meth:`send`, from any thread, and iterate to get turns::

        with vivavoce.connect(sample_rate=16_000) as session:
            for turn in session.transcribe(microphone):
                print(turn.text)

    An iteration yields every state of every turn; ``turn.end_of_turn`` marks the last state. It ends with the
    session, and raises the error of a session that failed. Leaving the ``with`` block closes the session;
    leaving it by an exception drops the last turns.
    """

    _core: StreamCore

    def __init__(self, config: SessionConfig) -> None:
        super().__init__(config.make_core(), config.dial, config.timeouts)
        self._source_error: BaseException | None = None  # what a source of transcribe() raised

    def update(self, **options: Any) -> None:
        """Change parameters, such as ``max_turn_silence=800`` or ``keyterms_prompt=["Vivavoce"]``.

        Raises:
            ConfigurationError: A parameter is unknown or its value is invalid.
            RealtimeError: The session is not open.
        """
        fields = update_fields(options)
        self._send_control(lambda: self._core.update(fields))

    def keep_alive(self) -> None:
        """Keep a session open that sends no audio; some servers end it otherwise.

        Raises:
            RealtimeError: The session is not open.
        """
        self._send_control(lambda: self._core.send(KEEP_ALIVE))

    # --- receiving -----------------------------------------------------------------------------

    def events(self) -> Iterator[Event]:
        """Iterate over all events; the last one is a ClosedEvent.

        Raises:
            RealtimeError: The session failed; raised after the last event.
        """
        while (event := self.next_event()) is not None:
            if not isinstance(event, RealtimeError):
                yield event
        self._error.raise_unraised()

    def __iter__(self) -> Iterator[TurnEvent]:
        return (event for event in self.events() if isinstance(event, TurnEvent))

    def transcribe(self, source: Audio | Iterable[Audio]) -> Iterator[TurnEvent]:
        """Send all of a source, yield the turns meanwhile, and close the session.

        Another thread reads the source. If the source has a method ``interrupt``, as a MicrophoneStream has,
        the first Ctrl-C calls that instead of ending the program, and the audio so far is still transcribed.

        Args:
            source: Audio, as for :meth:`send`.

        Raises:
            ConfigurationError: The source states another ``sample_rate`` than the session's.
            RealtimeError: The session failed.
            Exception: The source raised it.
        """
        self._check_source(source)
        feeder = threading.Thread(target=self._feed, args=(source,), name="vivavoce-source", daemon=True)
        feeder.start()
        try:
            while (event := self._next_event_of(source)) is not None:
                if isinstance(event, TurnEvent):
                    yield event
        finally:
            self.end()
        self._error.raise_unraised()
        if self._source_error is not None:
            error, self._source_error = self._source_error, None
            raise error

    def _next_event_of(self, source: object) -> Event | None:
        try:
            return self.next_event()
        except KeyboardInterrupt:
            # Another thread waits for audio, so Ctrl-C comes to this one.
            interrupt = getattr(source, "interrupt", None)
            if interrupt is None or self._core.is_terminating:
                raise
            interrupt()
            self.end()
            return self.next_event()

    def _feed(self, source: Audio | Iterable[Audio]) -> None:
        try:
            self._send_all(source)
        except BaseException as error:  # noqa: BLE001  - transcribe() raises it
            if error is not self._core.error:  # which transcribe() raises anyway
                self._source_error = error
        finally:
            self.end()

    # --- ending --------------------------------------------------------------------------------

    def close(self) -> None:
        """Send what is queued, wait for the last turns, and end the session.

        Takes ``close_timeout_s`` at most after the last progress, whatever the server does; more calls have
        no effect. The turns that came can still be iterated.

        Raises:
            RealtimeError: The session failed, and no call has raised that error yet.
        """
        self.end()
        self.wait()
        self._error.raise_unraised()

    @property
    def began(self) -> BeginEvent | None:
        """The first event of the session, with its id and the time when it expires."""
        return self._core.began

    @property
    def speaker_revisions(self) -> list[SpeakerRevisionEvent]:
        """The revisions of speakers so far: of turns that were yielded with others.

        `vivavoce.captions.TurnLog` applies them. The last one comes before the end of the session.
        """
        return list(self._core.speaker_revisions)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_value is None:
            self.close()
        else:
            self.drop()
