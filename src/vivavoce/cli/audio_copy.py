"""A copy of the recorded audio in a WAV file, whose failure does not end the transcription."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Self

from vivavoce.cli.guarded import reason_of, say
from vivavoce.recordings.saving import WavRecorder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

__all__ = ["AudioCopy"]


class AudioCopy:
    """Writes audio to a WAV file as it passes; reports the file on standard error at the end of its block.

    Args:
        path: The file; an existing one is overwritten.
        sample_rate: Rate of the samples, in Hz.

    Attributes:
        failed: Whether the file lacks a part of the audio.

    Raises:
        ConfigurationError: The file can't be opened.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        self._path = path
        self._sample_rate = sample_rate
        self.failed = False
        self._recorder: WavRecorder | None = None  # None: it could not be written
        try:
            self._recorder = WavRecorder(path, sample_rate)
        except OSError as error:
            self._fail(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        recorder = self._recorder
        if recorder is None:
            return
        with contextlib.suppress(OSError):
            recorder.close()
        seconds = recorder.n_bytes / 2 / self._sample_rate
        files = ", ".join(map(str, recorder.paths))
        say(f"{files}: {seconds:.1f} s of audio written.")

    def of(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield chunks of 16-bit mono samples and write each of them."""
        for chunk in chunks:
            if self._recorder is not None and not self.failed:
                try:
                    self._recorder.write(chunk)
                except OSError as error:
                    self._fail(error)
            yield chunk

    def _fail(self, error: OSError) -> None:
        self.failed = True
        say(
            f"vivavoce: {self._path}: {reason_of(error)}; no more audio is written to it, "
            "transcription continues"
        )
