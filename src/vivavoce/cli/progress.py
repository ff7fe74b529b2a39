"""How far a recording is, on standard error."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["counted", "progress_bar"]


def counted(chunks: Iterable[bytes], sent: Callable[[int], None]) -> Iterator[bytes]:
    """Pass chunks on and say how many bytes each had."""
    for chunk in chunks:
        yield chunk
        sent(len(chunk))


@contextlib.contextmanager
def progress_bar(label: str, duration_s: float | None) -> Iterator[Callable[[float], None]]:
    """A bar for as long as the block runs; nothing where standard error is no terminal.

    Args:
        label: What is going on.
        duration_s: Of the whole, in seconds; None where nobody knows.

    Yields:
        Takes by how many seconds of sound it went on.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%" if duration_s else "{task.completed:.0f} s"),
        TimeRemainingColumn() if duration_s else TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=duration_s)
        yield lambda seconds: progress.advance(task, seconds)
