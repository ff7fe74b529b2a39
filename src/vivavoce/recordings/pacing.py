"""Sending a recording no faster than it may be sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["MAX_LEAD_S", "Pacer", "paced"]

MAX_LEAD_S: Final = 20.0
"""How far a recording may run ahead of the clock, in seconds; servers close a session that is 60 s ahead."""


class Pacer:
    """Computes when each chunk of a recording is due: at its end, as a microphone delivers it.

    Due times are absolute, so a late chunk does not delay the ones after it.

    Args:
        began_s: Time at which the audio begins, in seconds of any monotonic clock.
        lead_s: How far the audio may run ahead of the clock, in seconds.
        speed: How many times faster than real time the audio may be sent.
    """

    def __init__(self, began_s: float, *, lead_s: float = 0.0, speed: float = 1.0) -> None:
        self._began_s = began_s
        self._lead_s = lead_s
        self._speed = speed
        self._audio_s = 0.0  # length of all chunks so far

    def wait_s(self, duration_s: float, now_s: float) -> float:
        """How long to wait before the next chunk is sent, in seconds; negative if it is late.

        Args:
            duration_s: Length of the chunk, in seconds.
            now_s: The time, on the clock of ``began_s``.
        """
        self._audio_s += duration_s
        return self._began_s + self._audio_s / self._speed - self._lead_s - now_s


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def paced(
    chunks: Iterable[bytes],
    bytes_per_second: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], bool] = _sleep,
    lead_s: float = 0.0,
    on_begin: Callable[[float], None] = lambda _: None,
) -> Iterator[bytes]:
    """Yield every chunk when a microphone would deliver it: at its end, or up to ``lead_s`` earlier.

    Args:
        chunks: Of a recording.
        bytes_per_second: Of its audio.
        clock: A monotonic clock, in seconds.
        wait: Sleeps for the given number of seconds; returns True to end the iteration.
        lead_s: How far the audio may run ahead of the clock, in seconds.
        on_begin: Called with the clock's time at which the audio begins.
    """
    began_s = clock()
    on_begin(began_s)
    pacer = Pacer(began_s, lead_s=lead_s)
    for chunk in chunks:
        wait_s = pacer.wait_s(len(chunk) / bytes_per_second, clock())
        if wait_s > 0 and wait(wait_s):
            return
        yield chunk
