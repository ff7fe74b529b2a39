"""Opens audio to transcribe: files, and streams such as standard input."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import stat
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from vivavoce.errors import AudioError
from vivavoce.protocol.query import SAMPLE_RATES_HZ
from vivavoce.recordings.byte_source import ByteSource
from vivavoce.recordings.containers import check_track, from_container, has_decoder, refuse_other_tracks
from vivavoce.recordings.formats import PROBE_BYTES, format_name, needs_seeking
from vivavoce.recordings.mixing import Mixer
from vivavoce.recordings.ogg_links import ogg_links
from vivavoce.recordings.pcm import to_s16le
from vivavoce.recordings.sound import Sound, chunk_bytes, regrouped
from vivavoce.recordings.wav import (
    MAGIC_BYTES,
    MAGICS,
    RIFF_BYTES,
    UnsupportedWavError,
    WavFormat,
    read_wav_header,
)
from vivavoce.recordings.wav_samples import SampleReader
from vivavoce.types import MODEL_RATE_HZ, Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["from_file", "from_reader", "interruptible_reader", "is_pipe", "log_warning", "open_pipe"]

LINGER_S: Final = 0.3
"""How long a stopped recorder may take to write its last buffer, in seconds."""

_POLL_S: Final = 0.1
_PIPE_BYTES: Final = 65_536  # capacity of a pipe
_logger: Final = logging.getLogger("vivavoce.recordings")


def log_warning(text: str) -> None:
    """Write a line about a recording to the log."""
    _logger.warning("%s", text)


def _wav_sound(source: ByteSource, header: WavFormat, warn: Callable[[str], None]) -> Sound:
    rate = header.sample_rate
    if rate not in SAMPLE_RATES_HZ:
        low, high = SAMPLE_RATES_HZ.start, SAMPLE_RATES_HZ.stop - 1
        raise UnsupportedWavError(f"the sample rate must be in {low}..{high} Hz, got {rate}")
    source.forget()
    read = SampleReader(source.read, header, lambda text: warn(f"{source.name}: {text}"))
    mixer = Mixer(header.channels, rate)
    chunks = (
        mixer.mix(to_s16le(piece, tag=header.tag, bits=header.bits))
        for piece in regrouped(read, chunk_bytes(rate, header.frame_bytes), header.frame_bytes)
    )
    seconds = header.length_bytes / header.bytes_per_second if header.length_bytes else None
    return Sound(chunks, rate, Encoding.PCM_S16LE, header.channels, seconds)


def _plain_wav(source: ByteSource, track: int | None, warn: Callable[[str], None]) -> Sound | None:
    """Open WAV of a format that needs no decoder; None: it is something else.

    Raises:
        AudioError: The header is damaged, and there is no decoder that may read it all the same.
    """
    beginning = source.peek(RIFF_BYTES)
    if beginning[:MAGIC_BYTES] not in MAGICS or (len(beginning) == RIFF_BYTES and beginning[-4:] != b"WAVE"):
        return None
    try:
        source.read(MAGIC_BYTES)
        sound = _wav_sound(source, read_wav_header(source.read), warn)
    except UnsupportedWavError:
        source.rewind()
        return None
    except AudioError as error:
        if has_decoder():
            source.rewind()
            return None
        raise AudioError(f"{source.name}: {error}") from None
    refuse_other_tracks(track, 1, source.name)
    return sound


def from_reader(
    read: Callable[[int], bytes],
    *,
    sample_rate: int,
    encoding: Encoding,
    name: str = "standard input",
    track: int | None = None,
    warn: Callable[[str], None] = log_warning,
) -> Sound:
    """Open a stream of raw samples, or of any format of audio that is recognised by its first bytes.

    Args:
        read: Returns up to the given number of bytes; none at the end of the stream.
        sample_rate: Rate of raw samples, in Hz; other formats have their own.
        encoding: Encoding of raw samples.
        name: Name of the stream, for messages.
        track: The audio track of a film, from 1 on; None: the one that a player would choose.
        warn: Receives one line about each thing that is left out; the log of ``vivavoce.recordings`` by
            default.

    Raises:
        AudioError: The stream is damaged, or needs a decoder that is not installed.
        ConfigurationError: ``track`` is invalid.
    """
    check_track(track)
    source = ByteSource(read, name)
    if (wav := _plain_wav(source, track, warn)) is not None:
        return wav
    beginning = source.peek(PROBE_BYTES)
    found = "WAV" if beginning[:MAGIC_BYTES] in MAGICS else format_name(beginning)
    if found is None:
        source.forget()
        refuse_other_tracks(track, 1, name)
        unit = encoding.bytes_per_sample
        return Sound(regrouped(source.read, chunk_bytes(sample_rate, unit), unit), sample_rate, encoding)
    if not has_decoder():
        raise AudioError(
            f"{name} must be raw samples or WAV where no decoder is installed, got {found}; run: pip install "
            '"vivavoce[audio]", or decode it: ffmpeg -i FILE -f s16le -ac 1 -ar 16000 - | vivavoce stream -'
        )
    with contextlib.ExitStack() as stack:
        if needs_seeking(beginning):
            source = source.copied_to(stack.enter_context(tempfile.TemporaryFile()))
        sound = stack.enter_context(from_container(source, track=track, warn=warn))
        return replace(sound, chunks=_closing(stack.pop_all(), sound.chunks))


def _closing(stack: contextlib.ExitStack, chunks: Iterable[bytes]) -> Iterator[bytes]:
    with stack:
        yield from chunks


@contextlib.contextmanager
def from_file(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    track: int | None = None,
    warn: Callable[[str], None] = log_warning,
) -> Iterator[Sound]:
    """Open a recording. PyAV decodes every format but plain WAV.

    What can't be decoded is skipped. The times in the audio are those of the container: where a film has no
    audio, there is silence.

    Args:
        path: Path of the recording, or a binary file object. A pipe may also carry raw samples: 16-bit,
            16 kHz, one channel.
        track: The audio track of a film, from 1 on; None: the one that a player would choose.
        warn: Receives one line about each thing that is left out; the log of ``vivavoce.recordings`` by
            default.

    Raises:
        AudioError: The file can't be opened or read.
        ConfigurationError: ``track`` is invalid.
        ExtrasNotInstalledError: The file needs PyAV, which is not installed.
    """
    check_track(track)
    with contextlib.ExitStack() as stack:
        source = _opened(path, stack)
        if not source.seekable():
            yield from_reader(
                source.read,
                sample_rate=MODEL_RATE_HZ,
                encoding=Encoding.PCM_S16LE,
                name=source.name,
                track=track,
                warn=warn,
            )
            return
        if (wav := _plain_wav(source, track, warn)) is not None:
            yield wav
            return
        first, *others = ogg_links(source)
        sound = stack.enter_context(from_container(first, track=track, warn=warn))
        yield replace(sound, chunks=_joined(sound, others, track, warn), duration_s=None) if others else sound


def _joined(
    first: Sound, others: list[ByteSource], track: int | None, warn: Callable[[str], None]
) -> Iterator[bytes]:
    """Yield the audio of a recording, then that of its other parts."""
    yield from first.chunks
    for part in others:
        try:
            with from_container(part, track=track, warn=warn) as sound:
                yield from sound.chunks
        except AudioError as error:
            warn(str(error))


def _opened(path: str | os.PathLike[str] | BinaryIO, stack: contextlib.ExitStack) -> ByteSource:
    if not isinstance(path, str | os.PathLike):
        return ByteSource.of_file(path, str(getattr(path, "name", "the recording")))
    try:
        return ByteSource.of_file(stack.enter_context(Path(path).open("rb")), str(path))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise AudioError(f"{os.fspath(path)}: {_reason_of(error)}") from None


def _reason_of(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def is_pipe(path: str | os.PathLike[str]) -> bool:
    """Whether a path leads to a pipe or a device, which can be read only once, such as that of ``<(...)``."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  - a path may be any PathLike
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def open_pipe(path: str | os.PathLike[str]) -> int:
    """Open a pipe for `interruptible_reader`, without waiting for a writer; return its descriptor.

    Raises:
        AudioError: It can't be opened.
    """
    try:
        # On Linux alone select() waits for the first writer of a pipe that is open already.
        return os.open(path, os.O_RDONLY | (os.O_NONBLOCK if sys.platform == "linux" else 0))
    except OSError as error:
        raise AudioError(f"{os.fspath(path)}: {_reason_of(error)}") from None


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
