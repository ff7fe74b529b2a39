"""Sources of audio under the vendor's names: a microphone and a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from vivavoce.arguments import sample_rate_hz
from vivavoce.errors import AudioError, ExtrasNotInstalledError
from vivavoce.mic import Microphone
from vivavoce.recordings.formats import PROBE_BYTES, format_name
from vivavoce.recordings.pacing import paced
from vivavoce.recordings.pcm import FLOAT, MULAW, PCM
from vivavoce.recordings.sound import chunk_bytes, regrouped
from vivavoce.recordings.sources import log_warning
from vivavoce.recordings.wav import MAGIC_BYTES, MAGICS, read_wav_header
from vivavoce.recordings.wav_samples import SampleReader
from vivavoce.self_closing import SelfClosing

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator

    from vivavoce.recordings.wav import WavFormat

__all__ = [
    "AssemblyAIExtrasNotInstalledError",
    "MicrophoneStream",
    "stream_file",
]

AssemblyAIExtrasNotInstalledError = ExtrasNotInstalledError
"""The vendor's name of the class."""

_SAMPLE_BYTES = 2
_CHUNK_MS = 300


class MicrophoneStream(SelfClosing):
    """Audio from a microphone: an iterator over chunks of 100 ms, 16-bit mono.

    Ctrl-C while it waits for audio ends the iteration instead of the program.

    Args:
        sample_rate: Rate of the audio, in Hz.
        device_index: Index of the microphone or a part of its name; the system's default if None.

    Raises:
        ConfigurationError: ``sample_rate`` is not a positive whole number.
        ExtrasNotInstalledError: sounddevice or PortAudio is missing; the message says what to install.
        MicrophoneError: There is no such microphone, or it can't be opened.
    """

    def __init__(self, sample_rate: int = 44_100, device_index: int | str | None = None) -> None:
        self.sample_rate = sample_rate
        self._microphone = Microphone(sample_rate=sample_rate, device=device_index)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._microphone)
        except KeyboardInterrupt:
            self.close()
            raise StopIteration from None

    @property
    def microphone(self) -> Microphone:
        """The underlying microphone, with its device, level and number of overflows."""
        return self._microphone

    @property
    def paused(self) -> bool:
        """Whether it yields silence instead of audio."""
        return self._microphone.paused

    def pause(self) -> None:
        """Yield silence until :meth:`resume`, for example while the program plays speech. Thread-safe.

        The silence is as long as the pause, so turns end and sessions stay open.
        """
        self._microphone.pause()

    def resume(self) -> None:
        """Yield audio again after :meth:`pause`. Thread-safe."""
        self._microphone.resume()

    def interrupt(self) -> None:
        """End the iteration as Ctrl-C does; audio that has been yielded is still transcribed."""
        self.close()

    def close(self) -> None:
        """Close the microphone; more calls have no effect. Thread-safe."""
        self._microphone.close()


def stream_file(filepath: str | os.PathLike[str], sample_rate: int) -> Generator[bytes, None, None]:
    """Read an audio file in real time: chunks of 300 ms, each at the time a microphone would deliver it.

    Args:
        filepath: A file of 16-bit little-endian mono samples, with or without a WAV header.
        sample_rate: Rate of the samples, in Hz.

    Returns:
        Chunks of 300 ms; the last one may be shorter.

    Raises:
        AudioError: A WAV file has another rate, sample format or number of channels, or it is damaged; or
            the file has another format.
        ConfigurationError: ``sample_rate`` is not a positive whole number.
        OSError: The file can't be read.
    """
    sample_rate_hz(sample_rate)
    path = Path(filepath)
    with open(path, "rb") as file:  # noqa: PTH123  - tests of programs replace this function
        header = _wav_header(file, path.name, sample_rate)
        start_bytes = file.tell() if header is not None else 0
    return _paced_file(path, start_bytes, header, sample_rate)


def _paced_file(
    path: Path, start_bytes: int, header: WavFormat | None, sample_rate: int
) -> Generator[bytes, None, None]:
    with open(path, "rb") as file:  # noqa: PTH123
        file.seek(start_bytes)
        size = chunk_bytes(sample_rate, _SAMPLE_BYTES, _CHUNK_MS)
        read: Callable[[int], bytes] = file.read
        if header is not None:
            read = SampleReader(read, header, lambda text: log_warning(f"{path.name}: {text}"))
        chunks = regrouped(read, size, _SAMPLE_BYTES)
        yield from paced(chunks, sample_rate * _SAMPLE_BYTES)


def _wav_header(file: BinaryIO, name: str, sample_rate: int) -> WavFormat | None:
    """Read the header of a WAV file up to its samples; None: the file has none."""
    beginning = file.read(PROBE_BYTES)
    if beginning[:MAGIC_BYTES] not in MAGICS:
        if (found := format_name(beginning)) is not None:
            raise AudioError(
                f"{name}: the file must hold 16-bit samples or be WAV, got {found}; "
                "read it with vivavoce.recordings.from_file"
            )
        return None
    file.seek(MAGIC_BYTES)
    try:
        header = read_wav_header(file.read)
    except AudioError as error:
        raise AudioError(f"{name}: {error}") from None
    if (header.tag, header.bits) != (PCM, _SAMPLE_BYTES * 8):
        what = {FLOAT: "float", MULAW: "mu-law"}.get(header.tag, "PCM")
        raise AudioError(f"{name}: samples must be 16-bit PCM, got {header.bits}-bit {what}")
    if header.channels != 1:
        raise AudioError(f"{name}: audio must have one channel, got {header.channels}")
    if header.sample_rate != sample_rate:
        raise AudioError(
            f"{name}: sample_rate must be the file's {header.sample_rate} Hz, got {sample_rate}; "
            f"pass sample_rate={header.sample_rate}"
        )
    return header
