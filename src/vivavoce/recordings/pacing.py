"""Giving a recording no sooner than it may be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["paced"]


def paced(
    chunks: Iterable[bytes],
    bytes_per_second: float,
    *,
    clock: Callable[[], float],
    wait: Callable[[float], bool],
    lead_s: float = 0.0,
    on_begin: Callable[[float], None] = lambda _: None,
) -> Iterator[bytes]:
    """Give every chunk when a microphone would have it: at its end, or so much earlier.

    Args:
        chunks: Of a recording.
        bytes_per_second: Of its sound.
        clock: A clock that never goes back, in seconds.
        wait: Sleeps for seconds; True to give up.
        lead_s: By how much the sound may run ahead of the clock, in seconds.
        on_begin: Told the clock's time at which the sound begins.
    """
    began = clock()
    on_begin(began)
    given = 0
    for chunk in chunks:
        given += len(chunk)
        early = began + given / bytes_per_second - lead_s - clock()
        if early > 0 and wait(early):
            return
        yield chunk
