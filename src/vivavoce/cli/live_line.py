"""One live line at the end of the output of a terminal.

Each partial overwrites the previous one; a final replaces it and stays. The live line is shorter than
the terminal is wide and leaves room for an echoed ``^C``: it never wraps, so a carriage return always
reaches its start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LiveLine", "tail_that_fits", "wrap"]

_ELLIPSIS = "…"
_ERASE_TO_END = "\x1b[K"
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_MIN_WIDTH = 4
_RESERVED = 3  # some terminals wrap once the last column is written, and Ctrl-C is echoed as ^C


def tail_that_fits(text: str, width: int) -> str:
    """Return the end of a text that fits into a number of cells: the newest words matter most."""
    if cell_len(text) <= width:
        return text
    if width < _MIN_WIDTH:
        return ""
    room = width - cell_len(_ELLIPSIS)
    tail = ""
    for word in reversed(text.split(" ")):
        longer = f" {word}{tail}"
        if cell_len(longer) > room:
            break
        tail = longer
    if not tail:  # one word is longer than the line
        tail = text[-1:]
        for start in range(len(text) - 2, -1, -1):
            if cell_len(text[start:]) > room:
                break
            tail = text[start:]
        if cell_len(tail) > room:
            return ""
    return _ELLIPSIS + tail


def wrap(text: str, width: int) -> str:
    """Break a text between words into lines of at most this many cells; the terminal wraps longer words."""
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
        write: Writes to the terminal and flushes.
        width: Returns the width of the terminal, in cells; called before every line.
        escapes: Whether the terminal supports escape sequences; otherwise spaces erase the line.
        dim: Whether the part of a partial that may still change is dimmed.
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
        self._is_shown = False  # a partial is on the live line

    def partial(self, text: str, stable: int = 0) -> None:
        """Replace the content of the live line by a partial.

        Args:
            text: The whole partial; the line shows its end if it is too long.
            stable: Number of characters at its start that are unlikely to change.
        """
        if not text:
            self.clear()
            return
        room = max(1, self._width() - _RESERVED)
        shown = tail_that_fits(text, room)
        if self._escapes:
            self._write(f"\r{self._shade(shown, len(text) - stable)}{_ERASE_TO_END}")
        else:
            self._write("\r" + shown + " " * (room - cell_len(shown)))
        self._is_shown = True

    def _shade(self, shown: str, n_volatile: int) -> str:
        """Dim the last characters of the line."""
        if not self._dim or not n_volatile:
            return shown
        at = max(0, len(shown) - n_volatile)
        return f"{shown[:at]}{_DIM}{shown[at:]}{_PLAIN}"

    def final(self, text: str) -> None:
        """Replace the live line by a final, which stays."""
        self._write(f"{self._erasure()}{self.wrap(text)}\n")
        self._is_shown = False

    def wrap(self, text: str) -> str:
        """Break a text into lines that fit the terminal."""
        return wrap(text, self._width())

    def clear(self) -> None:
        """Erase the live line."""
        if self._is_shown:
            self._write(self._erasure())
            self._is_shown = False

    def _erasure(self) -> str:
        if not self._is_shown:
            return ""
        if self._escapes:
            return f"\r{_ERASE_TO_END}"
        return "\r" + " " * max(0, self._width() - 1) + "\r"
