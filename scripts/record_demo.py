"""Record a terminal session of `vivavoce demo` and write it as an animated SVG, docs/pictures/demo.svg.

    python scripts/record_demo.py              record and write
    python scripts/record_demo.py --seconds 30

The command runs in a pseudo-terminal, at the speed of speech. The picture shows its output as it was timed.
A viewer that does not animate, or that asks for less motion, shows the last screen.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import struct
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

OUTPUT = Path(__file__).parents[1] / "docs" / "pictures" / "demo.svg"
COLUMNS = 84
CELL, LINE = 8.4, 20  # of a 14 px monospaced font, in px
LEFT, TOP = 16, 46
HOLD_S = 6.0  # how long the last screen stays
PLAIN, DIM, PROMPT = "t", "d", "p"  # classes of the style sheet
TOKEN = re.compile(r"\x1b\[(\d*)([mK])|(\r\n|\r)|([^\x1b\r]+)")
STYLE = """
.w{fill:#1b1f27}.t{fill:#e6e9ef}.d{fill:#8a93a3}.p{fill:#7fd1b9}
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
.x{visibility:hidden}
"""


@dataclass
class Piece:
    """What a row shows from `start` to `end` (None: to the end): runs of text with their classes."""

    row: int
    runs: list[tuple[str, str]]
    start: float
    end: float | None = None


def record(command: list[str], rows: int = 40) -> list[tuple[float, str]]:
    """Run a command in a pseudo-terminal; return what it wrote, with seconds since its start."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)  # noqa: S606  - no shell is wanted
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
    began, written = time.monotonic(), []
    while True:
        try:
            data = os.read(terminal, 65_536)
        except OSError:  # Linux reports the end of the child so
            break
        if not data:
            break
        written.append((time.monotonic() - began, data.decode(errors="replace")))
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed: {os.waitstatus_to_exitcode(status)}")
    return written


def pieces_of(written: list[tuple[float, str]]) -> tuple[list[Piece], int]:
    """Play what was written on a screen; return every state of every row, and the number of rows."""
    done: list[Piece] = []
    row, runs, style = 1, [], PLAIN  # row 0 is the prompt's
    open_piece: Piece | None = None
    for at, text in written:
        for number, letter, end_of_line, plain in TOKEN.findall(text):
            if letter == "m":
                style = DIM if number == "2" else PLAIN
            elif plain:
                runs.append((plain, style))
            elif end_of_line == "\r":
                runs = []
            elif end_of_line:
                open_piece = _show(done, open_piece, Piece(row, runs, at))
                open_piece, row, runs = None, row + 1, []
        if runs or open_piece:
            open_piece = _show(done, open_piece, Piece(row, runs, at))
    return done, row


def _show(done: list[Piece], before: Piece | None, piece: Piece) -> Piece:
    """Replace what a row shows."""
    if before is not None:
        before.end = piece.start
    done.append(piece)
    return piece


def svg(pieces: list[Piece], rows: int, command: str) -> str:
    """Draw the states of all rows, each with the animation that shows it at its time."""
    total = max(piece.start for piece in pieces) + HOLD_S
    width, height = LEFT * 2 + COLUMNS * CELL, TOP + rows * LINE
    prompt = Piece(0, [("$ ", PROMPT), (command, PLAIN)], 0.0)
    rules, texts = [], []
    for number, piece in enumerate([prompt, *pieces]):
        if not piece.runs:
            continue
        length = sum(len(text) for text, _ in piece.runs)
        spans = "".join(f'<tspan class="{style}">{escape(text)}</tspan>' for text, style in piece.runs)
        hidden = ' class="x"' if piece.end is not None else ""
        texts.append(
            f'<text id="a{number}"{hidden} x="{LEFT}" y="{TOP + piece.row * LINE}" '
            f'textLength="{length * CELL:.1f}">{spans}</text>'
        )
        if piece.start:
            rules.append(_animation(number, piece, total))
    motion = "@media (prefers-reduced-motion:no-preference){" + "".join(rules) + "}"
    dots = "".join(f'<circle cx="{20 + 18 * n}" cy="17" r="5" fill="#4a5160"/>' for n in range(3))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" xml:space="preserve">'
        f"<title>A terminal that runs {escape(command)}</title>"
        "<desc>Words appear while they are spoken; each finished utterance replaces them, punctuated.</desc>"
        f'<style>{STYLE}{motion}</style><rect class="w" width="100%" height="100%" rx="8"/>{dots}\n'
        + "\n".join(texts)
        + "\n</svg>\n"
    )


def _animation(number: int, piece: Piece, total: float) -> str:
    """Keyframes in which a piece is visible from its start to its end only."""
    start = 100 * piece.start / total
    frames = f"0%{{visibility:hidden}}{start:.2f}%{{visibility:visible}}"
    if piece.end is not None:
        frames += f"{100 * piece.end / total:.2f}%{{visibility:hidden}}"
    name = f"k{number}"
    return f"@keyframes {name}{{{frames}}}#a{number}{{animation:{name} {total:.1f}s step-end infinite}}"


def main() -> None:
    """Record and write."""
    parser = argparse.ArgumentParser(description="Record `vivavoce demo` as docs/pictures/demo.svg.")
    parser.add_argument("--seconds", default="21", help="how much of the recording to play")
    options = parser.parse_args()
    arguments = ["demo", "--seconds", options.seconds]
    pieces, rows = pieces_of(record([sys.executable, "-m", "vivavoce", *arguments]))
    picture = svg(pieces, rows, " ".join(["vivavoce", *arguments]))
    OUTPUT.write_text(picture)
    print(f"{OUTPUT}: {len(picture) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
