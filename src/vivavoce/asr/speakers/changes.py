"""Changes of speaker that a segmentation model missed, from embeddings of windows.

Two windows that are less alike than those of one person have a change between them. Where it is, shorter
windows between them say: each is more like the one or the other (compare S. Chen and P. Gopalakrishnan,
"Speaker, environment and channel change detection and clustering via the Bayesian information criterion",
1998, which compares models of both sides for each place).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Window", "change_between", "doubtful_spans", "parted", "windows_of"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of some speech, in samples.

    Attributes:
        start: Where it begins.
        end: Where it ends.
    """

    start: int
    end: int

    @property
    def middle(self) -> int:
        """Half-way between start and end."""
        return (self.start + self.end) // 2


def windows_of(n: int, window: int, hop: int, shortest: int) -> list[Window]:
    """Cut speech into windows.

    Args:
        n: Samples of speech.
        window: Samples of a window; up to twice that, speech that is not worth two of them is one.
        hop: Samples from the start of a window to that of the next. If it leaves gaps, there is a last window
            at the end.
        shortest: Less speech than this has no window.
    """
    if n < shortest:
        return []
    if n < window or (hop > window and n <= 2 * window):
        return [Window(0, n)]
    starts = list(range(0, n - window + 1, hop))
    if n - starts[-1] - window >= window // 2 and hop > window:
        starts.append(n - window)
    return [Window(start, start + window) for start in starts]


def parted(windows: Sequence[Window], embeddings: Floats, bound: float) -> tuple[int, int] | None:
    """Find the windows between which the speaker most clearly changes.

    Args:
        windows: In order.
        embeddings: Of the windows, shape (windows, width), each of length 1.
        bound: The cosine below which two windows are of two speakers.

    Returns:
        The places of two windows that do not overlap, with none between them; None: there is no change.
    """
    cosines = _cosines(windows, embeddings)
    least = min(cosines, key=lambda pair: (cosines[pair], pair), default=None)
    return least if least is not None and cosines[least] < bound else None


def doubtful_spans(windows: Sequence[Window], embeddings: Floats, bound: float) -> list[tuple[int, int]]:
    """Find speech in which the speaker may change.

    Args:
        windows: In order.
        embeddings: Of the windows, shape (windows, width), each of length 1.
        bound: The cosine below which two windows may be of two speakers.

    Returns:
        First and last sample, the last one not included, from the start of each such window to the end of the
        next one; they may overlap.
    """
    cosines = _cosines(windows, embeddings)
    return [
        (windows[left].start, windows[right].end) for (left, right), each in cosines.items() if each < bound
    ]


def _cosines(windows: Sequence[Window], embeddings: Floats) -> dict[tuple[int, int], float]:
    """How alike two windows are that do not overlap and have none between them."""
    pairs: set[tuple[int | None, int | None]] = {
        (_last_before(windows, place), place) for place in range(len(windows))
    }
    pairs |= {(place, _first_after(windows, place)) for place in range(len(windows))}
    return {
        (left, right): float(embeddings[left] @ embeddings[right])
        for left, right in pairs
        if left is not None and right is not None
    }


def _last_before(windows: Sequence[Window], place: int) -> int | None:
    """The last window that ends before another one begins."""
    return max((each for each in range(place) if windows[each].end <= windows[place].start), default=None)


def _first_after(windows: Sequence[Window], place: int) -> int | None:
    """The first window that begins after another one ends."""
    later = range(place + 1, len(windows))
    return min((each for each in later if windows[each].start >= windows[place].end), default=None)


def change_between(left: Floats, right: Floats, windows: Sequence[Window], embeddings: Floats) -> int:
    """Find where the speaker changes.

    Args:
        left: Embedding of speech before it, shape (width,).
        right: Embedding of speech after it.
        windows: Short ones between them, at least one, in order.
        embeddings: Of these, shape (windows, width).

    Returns:
        The sample before which windows are most like the left speech, and after it like the right.
    """
    more_left = embeddings @ (left - right)
    gains = np.concatenate([[0.0], np.cumsum(more_left)]) * 2 - more_left.sum()
    first_right = int(gains.argmax())
    if first_right == 0:
        return windows[0].start
    if first_right == len(windows):
        return windows[-1].end
    return (windows[first_right - 1].middle + windows[first_right].middle) // 2
