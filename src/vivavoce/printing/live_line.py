"""One live line at the end of the output of a terminal.

Each partial overwrites the previous one; a final replaces it and stays. The live line is shorter than
the terminal is wide and leaves room for an echoed ``^C``: it never wraps, so a carriage return always
reaches its start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.printing.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LiveLine", "tail_that_fits", "unchanged_length", "wrap"]

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


def unchanged_length(before: str, now: str) -> int:
    """Return the length of the whole words at the start of a partial that the previous partial has too.

    Words that two partials share mostly stay; new words often change again.
    """
    n = 0
    for old, new in zip(before.split(" "), now.split(" "), strict=False):
        if old != new:
            break
        n += len(new) + 1
    return min(n, len(now))


class LiveLine:
    """Writes partials and finals to a terminal.

    Args:
        write: Writes to the terminal and flushes.
        width: Returns the width of the terminal, in cells; called before every line. None: lines have no
            limit.
        escapes: Whether the terminal supports escape sequences; otherwise spaces erase the line.
        dim: Whether the words of a partial that the previous one did not have are dimmed.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        width: Callable[[], int | None],
        *,
        escapes: bool = True,
        dim: bool = False,
    ) -> None:
        self._write = write
        self._width = width
        self._escapes = escapes
        self._dim = dim and escapes
        self._cells: int | None = None  # that the live line takes; None: it is empty
        self._partial = ""  # the previous partial of the current utterance
        self._held = ""  # a final on the live line, of which another version may come

    def partial(self, text: str) -> None:
        """Replace the content of the live line by a partial.

        Args:
            text: The whole partial; the line shows its end if it is too long. Nothing clears the line.
        """
        if text:
            self.commit()
        elif self._held:
            return
        before, self._partial = self._partial, text
        self._replace(text, unchanged_length(before, text))

    def status(self, text: str) -> None:
        """Replace the content of the live line by a text that is no transcript."""
        self.commit()
        self._partial = ""
        self._replace(text, 0)

    def final(self, text: str) -> None:
        """Replace the live line by a final, which stays."""
        self._write(f"{self._erasure()}{self.wrap(text)}\n")
        self._cells, self._partial, self._held = None, "", ""

    def hold(self, text: str) -> None:
        """Show a final on the live line until another version of it comes; anything else makes it stay."""
        self._replace(text, len(text))
        self._partial, self._held = "", text

    @property
    def is_holding(self) -> bool:
        """Whether a final waits for another version of it."""
        return bool(self._held)

    def commit(self) -> None:
        """Let a final that waits stay as it is."""
        if self._held:
            self.final(self._held)

    def note(self, text: str) -> None:
        """Write a line that is no transcript, and leave the live line empty."""
        self.clear()
        self._write(f"{self.wrap(text)}\n")

    def wrap(self, text: str) -> str:
        """Break a text into lines that fit the terminal."""
        width = self._width()
        return text if width is None else wrap(text, width)

    def clear(self) -> None:
        """Erase the live line."""
        self.commit()
        self._partial = ""
        if erasure := self._erasure():
            self._write(erasure)
            self._cells = None

    def close(self) -> None:
        """Erase the live line, which ends the output."""
        self.clear()

    def _replace(self, text: str, stable: int) -> None:
        """Replace the content of the live line; its first characters are unlikely to change."""
        if not text:
            if erasure := self._erasure():
                self._write(erasure)
            self._cells = None
            return
        width = self._width()
        room = None if width is None else max(1, width - _RESERVED)
        shown = text if room is None else tail_that_fits(text, room)
        cells = cell_len(shown)
        if self._escapes:
            self._write(f"\r{self._shade(shown, len(text) - stable)}{_ERASE_TO_END}")
        else:
            to_cell = (self._cells or 0) if room is None else room
            self._write(f"\r{shown}{' ' * (to_cell - cells)}")
        self._cells = cells

    def _shade(self, shown: str, n_volatile: int) -> str:
        """Dim the last characters of the line."""
        if not self._dim or not n_volatile:
            return shown
        at = max(0, len(shown) - n_volatile)
        return f"{shown[:at]}{_DIM}{shown[at:]}{_PLAIN}"

    def _erasure(self) -> str:
        if self._cells is None:
            return ""
        if self._escapes:
            return f"\r{_ERASE_TO_END}"
        width = self._width()
        return f"\r{' ' * (self._cells if width is None else max(0, width - 1))}\r"
