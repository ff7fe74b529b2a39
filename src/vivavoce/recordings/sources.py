"""Opens audio to transcribe: files, and streams such as standard input."""

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
"""How long a stopped recorder may take to write its last buffer, in seconds."""

_POLL_S: Final = 0.1
_PIPE_BYTES: Final = 65_536  # capacity of a pipe
_FORMAT_BY_MAGIC: Final = {
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3\x03": "MP3",
    b"ID3\x04": "MP3",
    b"\x1aE\xdf\xa3": "Matroska",
    b"caff": "CAF",
    b"FORM": "AIFF",
}


def _wav_sound(read: Callable[[int], bytes], header: WavFormat) -> Sound:
    if header.sample_rate not in SAMPLE_RATES_HZ:
        low, high = SAMPLE_RATES_HZ.start, SAMPLE_RATES_HZ.stop - 1
        raise UnsupportedWavError(f"the sample rate must be in {low}..{high} Hz, got {header.sample_rate}")
    size = chunk_bytes(header.sample_rate, header.frame_bytes)
    pieces = regrouped(read, size, header.frame_bytes, header.length_bytes)
    chunks = (
        to_mono_s16le(piece, tag=header.tag, bits=header.bits, channels=header.channels) for piece in pieces
    )
    seconds = header.length_bytes / header.frame_bytes / header.sample_rate if header.length_bytes else None
    return Sound(chunks, header.sample_rate, Encoding.PCM_S16LE, header.channels, seconds)


def from_reader(read: Callable[[int], bytes], *, sample_rate: int, encoding: Encoding) -> Sound:
    """Open a stream of raw samples, or a WAV stream if it has the header of one.

    Args:
        read: Returns up to the given number of bytes; none at the end of the stream.
        sample_rate: Rate of raw samples, in Hz; a WAV header has its own.
        encoding: Encoding of raw samples.

    Raises:
        AudioError: The WAV header is damaged, or the stream has another format.
    """
    magic = b""
    while len(magic) < MAGIC_BYTES and (piece := read(MAGIC_BYTES - len(magic))):
        magic += piece
    if magic in MAGICS:
        return _wav_sound(read, read_wav_header(read))
    if magic in _FORMAT_BY_MAGIC:
        raise AudioError(
            f"standard input must be raw samples or WAV, got {_FORMAT_BY_MAGIC[magic]}; pass the file's name "
            "instead of -, or decode it: ffmpeg -i FILE -f s16le -ac 1 -ar 16000 - | vivavoce stream -"
        )
    unread = [magic] if magic else []

    def read_again(size: int) -> bytes:
        return unread.pop() if unread else read(size)

    unit = encoding.bytes_per_sample
    return Sound(regrouped(read_again, chunk_bytes(sample_rate, unit), unit), sample_rate, encoding)


@contextlib.contextmanager
def from_file(path: str | os.PathLike[str]) -> Iterator[Sound]:
    """Open an audio file. PyAV decodes every format but plain WAV.

    Raises:
        AudioError: The file can't be opened or read.
        ExtrasNotInstalledError: The file needs PyAV, which is not installed.
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
    """Return a function that reads a pipe and ends when `stopped` says so, even if no bytes come.

    Audio recorded before the stop is still read: it is in the pipe, or in the recorder, which receives Ctrl-C
    too and then writes its last buffer. So reading continues for up to `linger_s` and one pipe's capacity.

    Args:
        fd: The pipe's descriptor.
        stopped: Whether to end.
        linger_s: How long the recorder may take to write its last buffer, in seconds.
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
