"""Writes audio to a WAV file while it passes."""

from __future__ import annotations

import contextlib
import wave
from pathlib import Path
from typing import TYPE_CHECKING

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

__all__ = ["saved"]


@contextlib.contextmanager
def saved(
    chunks: Iterable[bytes], path: str | os.PathLike[str], sample_rate: int
) -> Iterator[Iterator[bytes]]:
    """Write every chunk to a WAV file as it passes. The file is valid after every chunk.

    Args:
        chunks: 16-bit little-endian mono samples.
        path: The file; an existing one is overwritten.
        sample_rate: Rate of the samples, in Hz.

    Raises:
        ConfigurationError: The file can't be written.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(Path(path).open("wb"))
        except OSError as error:
            raise ConfigurationError(f"{path}: {(error.strerror or str(error)).lower()}") from None
        # Not wave.open(path): its file has no header until it is closed.
        writer = stack.enter_context(contextlib.closing(wave.open(file, "wb")))  # noqa: SIM115
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(b"")

        def passed() -> Iterator[bytes]:
            for chunk in chunks:
                writer.writeframes(chunk)
                file.flush()
                yield chunk

        yield passed()
