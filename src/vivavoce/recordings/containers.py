"""Opens recordings that need a decoder, through PyAV (FFmpeg)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from vivavoce.errors import AudioError, ConfigurationError, ExtrasNotInstalledError
from vivavoce.recordings.byte_source import ShieldedFile
from vivavoce.recordings.decoding import TrackDecoder, mono_samples
from vivavoce.recordings.pcm import peak
from vivavoce.recordings.sound import Sound, chunk_bytes
from vivavoce.recordings.timeline import Timeline
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from vivavoce.recordings.byte_source import ByteSource

__all__ = ["check_track", "from_container", "has_decoder", "refuse_other_tracks"]

_SILENT_PEAK: Final = 0.001  # -60 dB
_CLOCKS: Final = frozenset({
    "asf", "avi", "flv", "live_flv", "matroska", "mov", "mpeg", "mpegts", "mxf", "nut", "ogg", "rm", "webm",
    "wtv",
})  # fmt: skip
"""Containers that state when each packet is played; in others the times are counted from the packets."""

_CLOCKS_WITH_JUMPS: Final = frozenset({"mpeg", "mpegts", "ogg", "rm", "wtv"})
# A recording must not make FFmpeg open other files, as playlists can.
_OPTIONS: Final = {"protocol_whitelist": "none"}


def _av() -> Any:
    try:
        import av  # noqa: PLC0415  - optional
    except ImportError:
        raise ExtrasNotInstalledError(
            'only WAV files can be read without a decoder; run: pip install "vivavoce[audio]"'
        ) from None
    return av


def has_decoder() -> bool:
    """Whether PyAV is installed."""
    try:
        _av()
    except ExtrasNotInstalledError:
        return False
    return True


def check_track(track: object) -> None:
    """Check the number of a track.

    Raises:
        ConfigurationError: It is not a whole number from 1 on.
    """
    if track is not None and (not isinstance(track, int) or isinstance(track, bool) or track < 1):
        raise ConfigurationError(f"track must be a whole number from 1 on, got {track!r}")


def refuse_other_tracks(track: int | None, n_tracks: int, name: str, listed: str = "") -> None:
    """Check that a file has a track.

    Raises:
        AudioError: It has not.
    """
    if track is not None and track > n_tracks:
        tracks = "1 audio track" if n_tracks == 1 else f"{n_tracks} audio tracks"
        raise AudioError(
            f"{name}: track must be in 1..{n_tracks}, got {track}; the file has {tracks}{listed}"
        )


def _describe(number: int, stream: Any) -> str:
    codec = stream.codec_context
    parts = [str(number), stream.metadata.get("language"), stream.metadata.get("title")]
    parts.append(None if codec is None else codec.name)
    return " ".join(part for part in parts if part)


def _choose(streams: list[Any], track: int | None, name: str) -> int:
    """Index of the track to transcribe: the given one, or the one that a player would choose.

    Raises:
        AudioError: There is no such track, or none that can be decoded.
    """
    if not streams:
        raise AudioError(f"{name}: the file has no audio")
    listed = ", ".join(_describe(number, stream) for number, stream in enumerate(streams, 1))
    refuse_other_tracks(track, len(streams), name, f": {listed}" if len(streams) > 1 else "")
    indices = range(len(streams)) if track is None else [track - 1]
    decodable = [index for index in indices if streams[index].codec_context is not None]
    if not decodable:
        which = (
            "no audio track" if track is None else f"audio track {track} is in a format that FFmpeg does not"
        )
        raise AudioError(f"{name}: {which} {'can be decoded' if track is None else 'decode'}")
    preferred = [index for index in decodable if "default" in str(streams[index].disposition).lower()]
    return (preferred or decodable)[0]


@contextlib.contextmanager
def from_container(source: ByteSource, *, track: int | None, warn: Callable[[str], None]) -> Iterator[Sound]:
    """Open an audio or video file of any format that FFmpeg decodes.

    Args:
        source: Its bytes.
        track: The audio track, from 1 on; None: the one that a player would choose.
        warn: Receives one line about each thing that is left out, while the audio is read or at its end.

    Raises:
        AudioError: The file has no such audio, or it can't be read.
        ExtrasNotInstalledError: PyAV is not installed.
    """
    av = _av()
    file = ShieldedFile(source)
    try:
        container = av.open(file, options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError, MemoryError, RuntimeError) as error:
        file.check()
        raise AudioError(f"{source.name}: not an audio file that FFmpeg can read") from error
    file.check()
    source.forget()
    with container:
        streams = list(container.streams.audio)
        index = _choose(streams, track, source.name)
        decoder = TrackDecoder(av, container, streams[index], file)
        chunks = _checked(
            _regrouped(mono_samples(av, decoder, _timeline(av, container))),
            decoder,
            source.name,
            warn,
            None if len(streams) == 1 else (index + 1, len(streams)),
        )
        seconds = container.duration / av.time_base if container.duration else None
        try:
            yield Sound(
                chunks, MODEL_RATE_HZ, channels=streams[index].codec_context.channels, duration_s=seconds
            )
        finally:
            decoder.is_closed = True
            chunks.close()


def _timeline(av: Any, container: Any) -> Timeline | None:
    names = set(container.format.name.split(","))
    if not names & _CLOCKS:
        return None
    duration_s = container.duration / av.time_base if container.duration else None
    start_s = (container.start_time or 0) / av.time_base
    return Timeline(duration_s, bool(names & _CLOCKS_WITH_JUMPS), start_s)


def _regrouped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    size = chunk_bytes(MODEL_RATE_HZ, 2)
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)


def _checked(
    chunks: Iterable[bytes],
    decoder: TrackDecoder,
    name: str,
    warn: Callable[[str], None],
    place: tuple[int, int] | None,
) -> Generator[bytes]:
    """Yield chunks, then say what was skipped, and whether the track was silent beside others.

    Args:
        chunks: Of 16-bit samples.
        decoder: Counts what it skips.
        name: Of the recording.
        warn: Receives the messages.
        place: Number of the track, and how many there are; None: it is the only one.

    Raises:
        AudioError: Nothing could be decoded.
    """
    is_empty, is_silent = True, True
    for chunk in chunks:
        is_empty = False
        is_silent = is_silent and peak(chunk) < _SILENT_PEAK
        yield chunk
    n = decoder.n_damaged
    if is_empty and n:
        raise AudioError(f"{name}: damaged: no audio can be decoded")
    if n:
        warn(f"{name}: {n} damaged {'frame was' if n == 1 else 'frames were'} skipped")
    if is_silent and place is not None:
        warn(
            f"{name}: audio track {place[0]} of {place[1]} is silent; choose another one with --track "
            "(track= in Python)"
        )
