"""Sound to be transcribed: files, and what comes through standard input."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vivavoce.errors import AudioError
from vivavoce.protocol.query import SAMPLE_RATES_HZ
from vivavoce.recordings.containers import from_container
from vivavoce.recordings.pcm import to_mono_s16le
from vivavoce.recordings.sound import Sound, chunk_bytes, regrouped
from vivavoce.recordings.wav import MAGIC_BYTES, MAGICS, UnsupportedWavError, WavFormat, read_wav_header
from vivavoce.types import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["from_file", "from_reader", "interruptible_reader"]

LINGER_S: Final = 0.3
"""How long a recorder that is stopped may take to write what it has, in seconds."""

_POLL_S: Final = 0.1
_PIPE_BYTES: Final = 65_536  # what a pipe holds
_CONTAINERS: Final = {
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3\x03": "MP3",
    b"ID3\x04": "MP3",
    b"\x1aE\xdf\xa3": "Matroska",
    b"caff": "CAF",
    b"FORM": "AIFF",
}


def _wav_sound(read: Callable[[int], bytes], head: WavFormat) -> Sound:
    if head.sample_rate not in SAMPLE_RATES_HZ:
        low, high = SAMPLE_RATES_HZ.start, SAMPLE_RATES_HZ.stop - 1
        raise UnsupportedWavError(f"{head.sample_rate} samples a second; from {low} to {high} can be sent")
    size = chunk_bytes(head.sample_rate, head.frame_bytes)
    pieces = regrouped(read, size, head.frame_bytes, head.length_bytes)
    chunks = (to_mono_s16le(piece, tag=head.tag, bits=head.bits, channels=head.channels) for piece in pieces)
    seconds = head.length_bytes / head.frame_bytes / head.sample_rate if head.length_bytes else None
    return Sound(chunks, head.sample_rate, Encoding.PCM_S16LE, head.channels, seconds)


def from_reader(read: Callable[[int], bytes], *, sample_rate: int, encoding: Encoding) -> Sound:
    """Raw samples, or a WAV stream if it begins like one.

    Args:
        read: Gives up to so many bytes, fewer at will, none at the end.
        sample_rate: Of raw samples, in Hz; a WAV head says its own.
        encoding: Of raw samples.

    Raises:
        AudioError: A damaged WAV head, or another container, whose bytes would be noise as samples.
    """
    magic = b""
    while len(magic) < MAGIC_BYTES and (piece := read(MAGIC_BYTES - len(magic))):
        magic += piece
    if magic in MAGICS:
        return _wav_sound(read, read_wav_header(read))
    if magic in _CONTAINERS:
        raise AudioError(
            f"standard input is a {_CONTAINERS[magic]} file, not raw samples; give its name instead of -, "
            "or decode it: ffmpeg -i FILE -f s16le -ac 1 -ar 16000 - | vivavoce stream -"
        )
    head = [magic]

    def with_head(size: int) -> bytes:
        return head.pop() if head and head[0] else read(size)

    unit = encoding.bytes_per_sample
    return Sound(regrouped(with_head, chunk_bytes(sample_rate, unit), unit), sample_rate, encoding)


@contextlib.contextmanager
def from_file(path: str | os.PathLike[str]) -> Iterator[Sound]:
    """A recording; what is no plain WAV is decoded by PyAV.

    Raises:
        AudioError: It can't be opened or read.
        ExtrasNotInstalledError: It needs PyAV, which is not there.
    """
    path = Path(path)
    try:
        file = path.open("rb")
    except OSError as error:
        raise AudioError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    with file:
        wav: Sound | None = None
        if file.read(MAGIC_BYTES) in MAGICS:
            try:
                wav = _wav_sound(file.read, read_wav_header(file.read))
            except UnsupportedWavError:
                wav = None
            except AudioError as error:
                raise AudioError(f"{path}: {error}") from None
        if wav is not None:
            yield wav
            return
    with from_container(path) as sound:
        yield sound


def interruptible_reader(
    fd: int, stopped: Callable[[], bool], *, linger_s: float = LINGER_S
) -> Callable[[int], bytes]:
    """Read a pipe as its bytes come, and end when told to though none come.

    What had been recorded by then still counts: it is in the pipe, or in the recorder, which Ctrl-C reaches
    too and which writes its last buffer. So it goes on for a moment, with a pipe's capacity at most.

    Args:
        fd: The pipe's descriptor.
        stopped: Whether to end.
        linger_s: How long the recorder may take for its last bytes, in seconds.
    """
    can_wait = sys.platform != "win32"
    deadline: float | None = None
    left = _PIPE_BYTES

    def read(size: int) -> bytes:
        nonlocal deadline, left
        while not stopped():
            if not can_wait or select.select([fd], [], [], _POLL_S)[0]:
                return os.read(fd, size)
        if deadline is None:
            deadline = time.monotonic() + linger_s
        wait_s = max(0.0, deadline - time.monotonic())
        if not can_wait or not left or not select.select([fd], [], [], wait_s)[0]:
            return b""
        data = os.read(fd, min(size, left))
        left -= len(data)
        return data

    return read
