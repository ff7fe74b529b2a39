"""One live line at the end of a terminal's output.

A partial is written over the one before it; a final takes its place and stays. The live line is kept
shorter than the terminal is wide, so that it never wraps and a carriage return always finds its start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LiveLine", "tail_that_fits", "wrapped"]

_ELLIPSIS = "…"
_ERASE_TO_END = "\x1b[K"
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_NARROWEST = 4


def tail_that_fits(text: str, width: int) -> str:
    """The end of a text that fits into so many cells: what was said last is what is looked for."""
    if cell_len(text) <= width:
        return text
    if width < _NARROWEST:
        return ""
    room = width - cell_len(_ELLIPSIS)
    kept = ""
    for word in reversed(text.split(" ")):
        longer = f" {word}{kept}"
        if cell_len(longer) > room:
            break
        kept = longer
    if not kept:  # one word longer than the line
        kept = text[-1:]
        for start in range(len(text) - 2, -1, -1):
            if cell_len(text[start:]) > room:
                break
            kept = text[start:]
        if cell_len(kept) > room:
            return ""
    return _ELLIPSIS + kept


def wrapped(text: str, width: int) -> str:
    """A text broken between words into lines of so many cells; a longer word is left to the terminal."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and cell_len(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    lines.append(line)
    return "\n".join(lines)


class LiveLine:
    """Writes partials and finals to a terminal.

    Args:
        write: Takes what the terminal is to get; flushes.
        width: The terminal's width, in cells, asked for before every line.
        escapes: Whether the terminal knows escape sequences; without them lines are erased by spaces.
        dim: Whether what may still change of a partial is dimmed.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        width: Callable[[], int],
        *,
        escapes: bool = True,
        dim: bool = False,
    ) -> None:
        self._write = write
        self._width = width
        self._escapes = escapes
        self._dim = dim and escapes
        self._live = False

    def partial(self, text: str, stable: int = 0) -> None:
        """Show an unfinished utterance in place of what was on the live line.

        Args:
            text: All of it; its end is shown where it is too long.
            stable: How many characters at its beginning are likely to stay.
        """
        if not text:
            self.clear()
            return
        room = max(1, self._width() - 1)  # in the last column some terminals wrap at once
        shown = tail_that_fits(text, room)
        if self._escapes:
            self._write(f"\r{self._shaded(shown, len(text) - stable)}{_ERASE_TO_END}")
        else:
            self._write("\r" + shown + " " * (room - cell_len(shown)))
        self._live = True

    def _shaded(self, shown: str, n_volatile: int) -> str:
        """The line with its last characters dimmed."""
        if not self._dim or not n_volatile:
            return shown
        at = max(0, len(shown) - n_volatile)
        return f"{shown[:at]}{_DIM}{shown[at:]}{_PLAIN}"

    def final(self, text: str) -> None:
        """Put a finished utterance in the live line's place; it stays."""
        self._write(f"{self._erasure()}{self.wrapped(text)}\n")
        self._live = False

    def wrapped(self, text: str) -> str:
        """A text in lines that fit."""
        return wrapped(text, self._width())

    def clear(self) -> None:
        """Take the live line away."""
        if self._live:
            self._write(self._erasure())
            self._live = False

    def _erasure(self) -> str:
        if not self._live:
            return ""
        if self._escapes:
            return f"\r{_ERASE_TO_END}"
        return "\r" + " " * max(0, self._width() - 1) + "\r"
