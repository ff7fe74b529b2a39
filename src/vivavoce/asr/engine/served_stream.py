"""A stream that the engine serves, as its connection holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.asr.models import SpeechState
    from vivavoce.asr.session import Channels, SessionMachine
    from vivavoce.protocol.events import Command

__all__ = ["Member", "ServedStream"]


@dataclass(slots=True, eq=False)
class Member:
    """A session served by the engine.

    Attributes:
        key: Identifies it among all sessions of the engine.
        session: The session; touched on the event loop only.
        wake: Called on the event loop when the session has news.
        speech_state: State of the speech detector for it; None until the detector ran.
    """

    key: int
    session: SessionMachine
    wake: Callable[[], None]
    speech_state: SpeechState | None = None


class ServedStream:
    """A stream and its place in the engine. Use it on the event loop only.

    Attributes:
        stream: The stream. Give it commands through `receive`, so that the engine serves what follows.
    """

    def __init__(
        self,
        stream: Channels,
        members: tuple[Member, ...],
        *,
        serve: Callable[[Member], None],
        leave: Callable[[Member], None],
    ) -> None:
        """Made by `Engine.join`.

        Args:
            stream: The stream.
            members: Its sessions, as the engine knows them.
            serve: Lets the engine look at what a session needs.
            leave: Lets the engine drop a session.
        """
        self.stream = stream
        self._members = members
        self._serve = serve
        self._leave = leave

    def receive(self, command: Command, now: float) -> None:
        """Give the stream a command, and the engine the work that follows from it.

        Args:
            command: From the client.
            now: Wall time, in seconds.
        """
        self.stream.receive(command, now)
        for member in self._members:
            self._serve(member)

    def leave(self) -> None:
        """Stop being served; calling it again does nothing."""
        for member in self._members:
            self._leave(member)
