"""A terminal that wraps like a real one."""

import re

from rich.cells import cell_len


class Terminal:
    """A terminal of one width that wraps like a real one: when a character no longer fits."""

    def __init__(self, width):
        self.width = width
        self.rows = [[]]
        self.column = 0

    def resize(self, width):
        """Become wider or narrower as most terminals do: the last row is wrapped anew, the others stay."""
        self.width = width
        text = "".join(self.rows.pop())
        self.rows.append([])
        self.column = 0
        for char in text:
            self._put(char)

    def write(self, text):
        for piece in re.findall(r"\x1b\[[0-9]*[A-Za-z]|.|\n", text, re.DOTALL):
            if piece == "\n":
                self.rows.append([])
                self.column = 0
            elif piece == "\r":
                self.column = 0
            elif piece == "\x1b[K":
                del self.rows[-1][self.column :]
            elif not piece.startswith("\x1b"):
                self._put(piece)

    def _put(self, char):
        cells = cell_len(char)
        if self.column + cells > self.width:
            self.rows.append([])
            self.column = 0
        row = self.rows[-1]
        row[len(row) :] = [" "] * (self.column - len(row))
        if cells:
            row[self.column : self.column + cells] = [char] + [""] * (cells - 1)
        self.column += cells

    @property
    def lines(self):
        return ["".join(row).rstrip() for row in self.rows]
