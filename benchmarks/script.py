"""What the programs of this folder share: which recordings they take, and how they end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vivavoce.bench.corpus import folder_or_default, read_manifest
from vivavoce.errors import VivavoceError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from vivavoce.bench.records import Clip

__all__ = ["add_recording_options", "exit_code_of", "named_recordings"]


def add_recording_options(parser: argparse.ArgumentParser) -> None:
    """Add a folder, kinds and a share of the recordings; see `named_recordings`."""
    add = parser.add_argument
    add("folder", type=Path, nargs="?", help="recordings with manifest.jsonl (default: the evaluation set)")
    add("--every", type=int, default=1, metavar="N", help="only every N-th recording")
    add("--kind", action="append", default=[], help="only recordings of this kind; repeatable")


def named_recordings(arguments: argparse.Namespace) -> list[Clip]:
    """Return the recordings that the options of `add_recording_options` name; there may be none.

    Raises:
        ConfigurationError: The folder holds no readable manifest.
    """
    clips = read_manifest(folder_or_default(arguments.folder))
    return [clip for clip in clips if not arguments.kind or clip.kind in arguments.kind][
        :: max(1, arguments.every)
    ]


def exit_code_of(work: Callable[[], int | None]) -> int:
    """Run a program and return its exit code; an error becomes one line on standard error.

    Args:
        work: The program; returns its exit code, None means 0.
    """
    try:
        return work() or 0
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 1
    except VivavoceError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
