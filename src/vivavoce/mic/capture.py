"""What PortAudio calls: it collects the audio of a microphone, and knows nothing of the microphone itself.

A stream of PortAudio refers to its callback. If the callback referred to the microphone, both would be
collected together while PortAudio's thread still calls, and the interpreter would crash.
"""

from __future__ import annotations

import contextlib
import os
import threading
from queue import SimpleQueue
from typing import Any, Final

__all__ = ["MAX_WAITING", "Capture", "close_stream"]

MAX_WAITING: Final = 100
"""Chunks of 100 ms that wait for a slow reader before audio is dropped: 10 s."""


class Capture:
    """The callbacks of a stream, and the audio that waits for the reader.

    Attributes:
        waiting: Chunks, oldest first; None: no more audio.
        overflows: How many times audio was dropped.
        paused: Whether silence takes the place of audio.
        process_id: The process that PortAudio runs in; a forked child has no thread of PortAudio.
    """

    def __init__(self) -> None:
        self.waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self.overflows = 0
        self.paused = False
        self.process_id = os.getpid()
        self._thread_id = 0  # PortAudio's thread; 0 before its first call

    @property
    def is_calling(self) -> bool:
        """Whether the current thread is PortAudio's own."""
        return threading.get_ident() == self._thread_id

    # PortAudio calls both from its own thread, which must never wait.
    def receive(self, data: Any, frames: int, time: Any, status: Any) -> None:  # noqa: ARG002
        """Take the next chunk."""
        self._thread_id = threading.get_ident()
        if self.paused:
            if self.waiting.qsize() < MAX_WAITING:
                self.waiting.put(bytes(len(data)))
            return
        if status.input_overflow:
            self.overflows += 1
        if self.waiting.qsize() < MAX_WAITING:
            self.waiting.put(bytes(data))
        else:
            self.overflows += 1

    def finish(self) -> None:
        """Mark the end of the audio for the reader."""
        self.waiting.put(None)


def close_stream(stream: Any, capture: Capture) -> None:
    """Close a stream, from whichever thread the call comes.

    The garbage collector may run in PortAudio's own thread, inside its callback. Closing a stream waits for
    that callback, so another thread closes it then. In a forked child there is nothing to close.

    Args:
        stream: A stream of sounddevice.
        capture: Its callbacks.
    """
    if os.getpid() != capture.process_id:
        return
    if capture.is_calling:
        with contextlib.suppress(RuntimeError):  # the interpreter ends, and PortAudio with it
            threading.Thread(target=stream.close, name="vivavoce-microphone-close", daemon=True).start()
        return
    stream.close()
