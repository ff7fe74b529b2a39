"""A session for programs that wait: the short surface without asyncio."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

from vivavoce.client.events import BeginEvent, TerminationEvent, TurnEvent, UpdateEvent
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

    An iteration gives every state of every turn; ``turn.end_of_turn`` tells the last one. It ends with
    the session, and if that failed it raises why. Leaving the ``with`` block closes the session; leaving
    it by an exception does not wait for what is still to come.
    """

    _core: StreamCore

    def __init__(self, config: SessionConfig) -> None:
        super().__init__(config.make_core(), config.dial, config.timeouts)
        self._source_error: BaseException | None = None

    def update(self, **options: Any) -> None:
        """Change settings from now on, such as ``max_turn_silence=800`` or ``keyterms_prompt=["Vivavoce"]``.

        Raises:
            ConfigurationError: There is no such setting, or its value can't be used.
            RealtimeError: The session is not open.
        """
        fields = update_fields(options)
        self._send_control(lambda: self._core.update(fields))

    def keep_alive(self) -> None:
        """Tell a server that ends silent sessions that this one is still wanted.

        Raises:
            RealtimeError: The session is not open.
        """
        self._send_control(lambda: self._core.send(KEEP_ALIVE))

    # --- receiving ----------------------------------------------------------------------------

    def events(self) -> Iterator[Event]:
        """All events, the last of them a ClosedEvent.

        Raises:
            RealtimeError: The session failed; after the last event.
        """
        while (event := self.next_event()) is not None:
            if not isinstance(event, RealtimeError):
                yield event
        self._raise_error()

    def __iter__(self) -> Iterator[TurnEvent]:
        return (event for event in self.events() if isinstance(event, TurnEvent))

    def transcribe(self, source: Audio | Iterable[Audio]) -> Iterator[TurnEvent]:
        """Send all of a source while giving the turns, until the last one.

        The source is read in a thread of its own. The session is over afterwards. If the source has a
        method ``interrupt``, as a MicrophoneStream has, Ctrl-C calls that instead of ending the program,
        and what was said until then is still given; a second Ctrl-C is one as always.

        Args:
            source: What :meth:`send` takes.

        Raises:
            RealtimeError: The session failed.
            Exception: What the source raised.
        """
        feeder = threading.Thread(target=self._feed, args=(source,), name="vivavoce-source", daemon=True)
        feeder.start()
        try:
            while (event := self._next_event_of(source)) is not None:
                if isinstance(event, TurnEvent):
                    yield event
        finally:
            self.end()
        self._raise_error()
        if self._source_error is not None:
            error, self._source_error = self._source_error, None
            raise error

    def _next_event_of(self, source: object) -> Event | None:
        try:
            return self.next_event()
        except KeyboardInterrupt:
            # Where sound is waited for in another thread, this is the thread that Ctrl-C comes to.
            stop = getattr(source, "interrupt", None)
            if stop is None or self._core.is_terminating:
                raise
            stop()
            self.end()
            return self.next_event()

    def _feed(self, source: Audio | Iterable[Audio]) -> None:
        try:
            self.send(source)
        except BaseException as error:  # noqa: BLE001  - raised by the iteration
            if error is self._core.error:
                self._error_raised = False  # not yet: the iteration tells it
            else:
                self._source_error = error
        finally:
            self.end()

    def _raise_error(self) -> None:
        error = self._core.error
        if error is not None and not self._error_raised:
            self._error_raised = True
            raise error

    # --- ending -------------------------------------------------------------------------------

    def close(self) -> None:
        """Send what is queued, wait for the last turns, and end.

        Takes a few seconds at most, whatever the server does; may be called more than once. Turns that
        came are still there to be iterated.

        Raises:
            RealtimeError: The session has failed, and nobody was told yet.
        """
        self.end()
        self.wait()
        self._raise_error()

    @property
    def began(self) -> BeginEvent | None:
        """What the server said at the beginning: the session's id, and when it expires."""
        return self._core.began

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
