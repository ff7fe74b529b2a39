"""A progress bar for a recording, on standard error."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["progress_bar"]


@contextlib.contextmanager
def progress_bar(
    label: str, duration_s: float | None, *, is_shown: bool = True
) -> Iterator[Callable[[float], None]]:
    """Show a progress bar while the block runs, if standard error is a terminal.

    Args:
        label: Text in front of the bar.
        duration_s: Duration of the audio, in seconds; None: unknown.
        is_shown: Whether it is shown at all.

    Yields:
        A function that moves the bar to a position in the audio, in seconds; it never moves back.
    """
    if not is_shown or not sys.stderr.isatty():
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
        reached_s = 0.0

        def move_to(position_s: float) -> None:
            nonlocal reached_s
            reached_s = max(reached_s, position_s)
            progress.update(task, completed=reached_s)

        yield move_to
