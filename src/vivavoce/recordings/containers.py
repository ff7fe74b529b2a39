"""Opens recordings that need a decoder, through PyAV (FFmpeg)."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, Final

from vivavoce.errors import AudioError, ConfigurationError, ExtrasNotInstalledError
from vivavoce.recordings.byte_source import ShieldedFile
from vivavoce.recordings.decoding import TrackDecoder, mono_samples
from vivavoce.recordings.pcm import peak
from vivavoce.recordings.sound import Sound, chunk_bytes
from vivavoce.recordings.stated_lengths import UNDERSTATED, correct_length
from vivavoce.recordings.timeline import Timeline
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from vivavoce.recordings.byte_source import ByteSource

__all__ = ["check_track", "from_container", "has_decoder", "refuse_other_tracks"]

_DEFAULT: Final = 1  # AV_DISPOSITION_DEFAULT: the track that the author of the file prefers
_SILENT_PEAK: Final = 0.001  # -60 dB
_CLOCKS: Final = frozenset({
    "asf", "avi", "flv", "live_flv", "matroska", "mov", "mpeg", "mpegts", "mxf", "nut", "ogg", "webm",
    "wtv",
})  # fmt: skip
"""Containers that state when each packet is played; in others the times are counted from the packets."""

_CLOCKS_WITH_JUMPS: Final = frozenset({"mpeg", "mpegts", "ogg", "wtv"})
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
    decodable = [index for index, stream in enumerate(streams) if stream.codec_context is not None]
    chosen = decodable if track is None else [index for index in decodable if index == track - 1]
    if not chosen:
        which = "the audio" if track is None else f"audio track {track}"
        others = f", or choose another track: {listed}" if decodable else ""
        raise AudioError(
            f"{name}: {which} is in a format that FFmpeg does not decode; convert the file{others}"
        )
    preferred = [index for index in chosen if int(streams[index].disposition) & _DEFAULT]
    return (preferred or chosen)[0]


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
    is_corrected = source.seekable() and correct_length(source)
    file = ShieldedFile(source)
    try:
        container = _open(av, file)
    except AudioError:
        if not is_corrected:
            raise
        is_corrected = False  # what follows the samples is needed
        source.drop_overlay()
        source.rewind()
        container = _open(av, file)
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
        if is_corrected:
            chunks = _announced(chunks, functools.partial(warn, f"{source.name}: {UNDERSTATED}"))
        seconds = container.duration / av.time_base if container.duration else None
        try:
            yield Sound(
                chunks, MODEL_RATE_HZ, channels=streams[index].codec_context.channels, duration_s=seconds
            )
        finally:
            decoder.is_closed = True
            chunks.close()


def _open(av: Any, file: ShieldedFile) -> Any:
    try:
        container = av.open(file, options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError, MemoryError, RuntimeError) as error:
        file.check()
        raise AudioError(f"{file.name}: {_why_unreadable(file.format_name())}") from error
    file.check()
    return container


def _announced(chunks: Iterable[bytes], announce: Callable[[], None]) -> Generator[bytes]:
    announce()
    yield from chunks


def _why_unreadable(found: str | None) -> str:
    if found is None:
        return "not an audio file that FFmpeg can read"
    why = "damaged or incomplete; save or send it again"
    if found == "MP4":  # its index is written last
        why = "incomplete, as a recorder that is switched off leaves it; a tool that repairs MP4 may help"
    return f"the file begins like {found}, but FFmpeg can't read it: it is {why}"


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
    choose = "choose another one with --track (track= in Python)"
    if is_empty:
        advice = f" of track {place[0]} of {place[1]}; {choose}" if place is not None else ""
        raise AudioError(f"{name}: {'damaged: ' if n else ''}no audio can be decoded{advice}")
    if n:
        warn(f"{name}: {n} damaged {'frame was' if n == 1 else 'frames were'} skipped")
    if is_silent and place is not None:
        warn(f"{name}: audio track {place[0]} of {place[1]} is silent; {choose}")
