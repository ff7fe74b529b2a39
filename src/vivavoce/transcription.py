"""Transcribes a whole audio file, or all of a source, in one call."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.util
import itertools
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self, cast

from vivavoce.captions import SpeakerMark, TurnLog, captions, to_srt, to_vtt
from vivavoce.client.chunking import as_bytes, check_source_rate, is_audio
from vivavoce.client.connect import connect, connect_async
from vivavoce.configuration import settings
from vivavoce.errors import ConfigurationError
from vivavoce.protocol.aai_v3.choices import StreamEncoding
from vivavoce.protocol.speaker_runs import runs_by_voice
from vivavoce.recordings import Sound, from_file, from_reader
from vivavoce.recordings.formats import PROBE_BYTES, is_recording
from vivavoce.recordings.pacing import MAX_LEAD_S, Pacer, paced
from vivavoce.types import MODEL_RATE_HZ, Encoding
from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping

    from vivavoce.captions import Cue, Style
    from vivavoce.client.async_session import AsyncSession
    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import TurnEvent, Word
    from vivavoce.client.session import Session
    from vivavoce.protocol.speaker_runs import Voice
    from vivavoce.server import LocalServer

__all__ = ["RECORDING_OPTIONS", "Transcript", "Utterance", "lead_of", "transcribe", "transcribe_async"]

RECORDING_OPTIONS: Final[dict[str, Any]] = {"partials": False, "recording": True}
"""How a recording is transcribed, by `transcribe` and by the command line: arguments of `connect`.

The turns are those of a conversation, the server's default, with formatted text. Of the ways measured they
have the lowest word error rates for long recordings and for short ones (docs/decisions/0053).
"""

_SLICE_BYTES: Final = 32_000
_KEEP_S: Final = 60.0  # how long the server inside this process waits for the next call
_SERVER_PARTS: Final = ("onnxruntime", "starlette", "uvicorn", "moonshine_voice")


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one speaker says without another between; a turn in which several speak has several.

    Attributes:
        text: The text.
        start: Where its first word begins, in milliseconds.
        end: Where its last word ends.
        confidence: The mean confidence of its words, 0 to 1.
        words: Its words.
        speaker: The speaker's label, ``A``, ``B`` and so on; None if it is not known or was not asked for.
        channel: The channel, from 0, in a session with ``channels=2``; else None.
    """

    text: str
    start: int
    end: int
    confidence: float
    words: list[Word]
    speaker: str | None = None
    channel: int | None = None

    @classmethod
    def of(cls, voice: Voice, words: list[Word]) -> Self:
        """Create one from words, at least one, of one voice."""
        return cls(
            join_words(word.text for word in words),
            words[0].start,
            words[-1].end,
            round(sum(word.confidence for word in words) / len(words), 4),
            words,
            voice.speaker if voice.is_known else None,
            voice.channel if isinstance(voice.channel, int) else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; a speaker or channel that is None is left out."""
        names = ("speaker", "channel", "text", "start", "end", "confidence")
        fields = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return {**fields, "words": [word.model_dump(exclude_none=True) for word in self.words]}


@dataclass(frozen=True, slots=True)
class Transcript:
    """The transcript of a whole source.

    Attributes:
        turns: The finished turns, in order; their speakers as last revised.
        duration: Length of the source, in seconds.
    """

    turns: list[TurnEvent]
    duration: float = 0.0

    @property
    def text(self) -> str:
        """The text of all turns, joined by spaces where their script has some."""
        return join_words(turn.transcript for turn in self.turns if turn.transcript)

    @property
    def words(self) -> list[Word]:
        """The words of all turns, with their times in milliseconds."""
        return [word for turn in self.turns for word in turn.words]

    @property
    def utterances(self) -> list[Utterance]:
        """The turns, divided where their speaker changes; known with ``speaker_labels=True``."""
        return [Utterance.of(voice, words) for turn in self.turns for voice, words in runs_by_voice(turn)]

    def to_srt(
        self,
        style: Style | None = None,
        *,
        speakers: SpeakerMark | str | None = None,
        names: Mapping[str, str] | None = None,
    ) -> str:
        """Return captions as a SubRip file.

        Args:
            style: As for :func:`vivavoce.captions.captions`.
            speakers: As there; None: names if there are any, or else a dash if turns have labels.
            names: As there.
        """
        return to_srt(self._captions(style, speakers, names))

    def to_vtt(
        self,
        style: Style | None = None,
        *,
        speakers: SpeakerMark | str | None = None,
        names: Mapping[str, str] | None = None,
    ) -> str:
        """Return captions as a WebVTT file, with voice spans if the turns have speaker labels.

        The arguments are those of :meth:`to_srt`.
        """
        return to_vtt(self._captions(style, speakers, names), voices=self._is_labelled)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON.

        Returns:
            ``text``, ``duration`` in seconds, and the fields of each turn in ``turns``; with speaker labels
            also ``utterances``.
        """
        said = {"utterances": [each.to_dict() for each in self.utterances]} if self._is_labelled else {}
        return {
            "text": self.text,
            "duration": self.duration,
            **said,
            "turns": [turn.model_dump(exclude_none=True) for turn in self.turns],
        }

    def __str__(self) -> str:
        return self.text

    @property
    def _is_labelled(self) -> bool:
        return any(turn.speaker_label is not None for turn in self.turns)

    def _captions(
        self, style: Style | None, speakers: SpeakerMark | str | None, names: Mapping[str, str] | None
    ) -> list[Cue]:
        if speakers is None and not names and self._is_labelled:
            speakers = SpeakerMark.DASH
        return captions(self.turns, style, speakers=speakers, names=names)


class _Metered:
    """Measures how much of a source has been read.

    Attributes:
        seconds: Length of the audio so far.
    """

    def __init__(self, sound: Sound, channels: int) -> None:
        self.seconds = 0.0
        self._bytes_per_second = sound.bytes_per_second * channels

    def read(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield chunks and measure them."""
        for chunk in chunks:
            self.seconds += len(chunk) / self._bytes_per_second
            yield chunk


class _SharedServer:
    """The server inside this process, for all calls: it takes seconds to start, and its model much memory.

    It stops when no call has used it for a minute, and after a call that failed. Its threads are daemons, so
    it does not keep a program alive.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: LocalServer | None = None  # None: not running
        self._users = 0
        self._is_suspect = False  # a call has failed
        self._timer: threading.Timer | None = None  # stops it; None while it is used or not running
        self._process_id = os.getpid()  # a forked child has none of its threads

    @contextlib.contextmanager
    def use(self) -> Iterator[LocalServer]:
        """Start the server unless it runs, and keep it meanwhile."""
        with self._lock:
            server = self._started()
            self._users += 1
        try:
            yield server
        except BaseException:
            self._is_suspect = True
            raise
        finally:
            with self._lock:
                self._users -= 1
                if not self._users and not self._is_suspect:
                    self._timer = threading.Timer(_KEEP_S, self.stop)
                    self._timer.daemon = True
                    self._timer.start()
            if self._is_suspect:
                self.stop()

    def _started(self) -> LocalServer:
        # Importing it takes a second, and most programs use a server elsewhere.
        from vivavoce.server import LocalServer  # noqa: PLC0415

        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._process_id != os.getpid():
            self._server, self._users, self._process_id = None, 0, os.getpid()
        if self._server is None:
            self._server = LocalServer().__enter__()
            self._is_suspect = False
        return self._server

    def stop(self) -> None:
        """Stop the server unless a call uses it."""
        with self._lock:
            if self._users or self._server is None or self._process_id != os.getpid():
                return
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            server, self._server = self._server, None
            server.__exit__(None, None, None)


_shared_server = _SharedServer()


@contextlib.contextmanager
def _server(url: str | None) -> Iterator[tuple[str | None, float | None]]:
    """Address of the server, and how far audio may run ahead of the clock, in seconds; None: any distance."""
    is_named = url is not None or settings.source_of("base_url") is not None
    if is_named or any(importlib.util.find_spec(name) is None for name in _SERVER_PARTS):
        yield url, MAX_LEAD_S
        return
    with _shared_server.use() as server:
        yield server.base_url, None


@contextlib.contextmanager
def _open(
    source: str | os.PathLike[str] | BinaryIO | Audio | Iterable[Audio],
    sample_rate: int | None,
    encoding: StreamEncoding | str,
    track: int | None,
) -> Iterator[Sound]:
    is_path = isinstance(source, str | os.PathLike)
    if is_path and sample_rate is not None:
        raise ConfigurationError(
            "sample_rate must be None for a file, which has its own; pass it for raw samples"
        )
    if is_path or (sample_rate is None and hasattr(source, "read")):
        with from_file(cast("str", source), track=track) as sound:
            yield sound
        return
    if encoding not in tuple(Encoding):
        raise ConfigurationError(f"encoding must be one of {', '.join(Encoding)}, got {encoding!r}")
    chosen = Encoding(encoding)
    is_pcm = chosen is Encoding.PCM_S16LE
    pieces: Any = (source,) if is_audio(source) else source
    if hasattr(source, "read"):
        pieces = iter(functools.partial(source.read, _SLICE_BYTES), b"")
    stated = getattr(source, "sample_rate", None)  # as a microphone does
    if stated is None and is_pcm:
        first, pieces = _first_of(pieces)
        if isinstance(first, bytes | bytearray) and is_recording(bytes(first[:PROBE_BYTES])):
            read = _reader(pieces)
            yield from_reader(read, sample_rate=MODEL_RATE_HZ, encoding=chosen, name="the audio", track=track)
            return
    if track is not None:
        raise ConfigurationError("track must be None for raw samples; pass it for a file")
    chunks = (
        bytes(data[start : start + _SLICE_BYTES])
        for data in (as_bytes(piece, is_pcm=is_pcm) for piece in pieces)
        for start in range(0, len(data), _SLICE_BYTES)
    )
    if sample_rate is None and isinstance(stated, int):
        sample_rate = stated
    check_source_rate(source, sample_rate)
    yield Sound(chunks, sample_rate or MODEL_RATE_HZ, chosen)


def _first_of(pieces: Iterable[Any]) -> tuple[Any, Iterator[Any]]:
    """Return the first piece, None if there is none, and all of them."""
    iterator = iter(pieces)
    begun = list(itertools.islice(iterator, 1))
    return (begun[0] if begun else None), itertools.chain(begun, iterator)


def _reader(pieces: Iterator[bytes]) -> Callable[[int], bytes]:
    """Return a function that reads pieces as a file is read."""
    pending = memoryview(b"")

    def read(size: int) -> bytes:
        nonlocal pending
        while not pending:
            piece = next(pieces, None)
            if piece is None:
                return b""
            pending = memoryview(piece)
        data, pending = bytes(pending[:size]), pending[size:]
        return data

    return read


def lead_of(session: Session | AsyncSession, lead_s: float | None) -> float | None:
    """How far a recording may run ahead of the clock in a session, in seconds; None: any distance.

    Args:
        session: The open session.
        lead_s: The limit for a server that does not take recordings at any speed.
    """
    began = session.began
    return None if began is not None and began.recording else lead_s


def _session_options(sound: Sound, options: dict[str, Any]) -> dict[str, Any]:
    return {
        **RECORDING_OPTIONS,
        "sample_rate": sound.sample_rate,
        "encoding": sound.encoding.value,
        **options,
    }


def transcribe(
    source: str | os.PathLike[str] | BinaryIO | Audio | Iterable[Audio],
    *,
    sample_rate: int | None = None,
    encoding: StreamEncoding | str = StreamEncoding.pcm_s16le,
    track: int | None = None,
    url: str | None = None,
    api_key: str | None = None,
    **options: Any,
) -> Transcript:
    """Transcribe an audio file, or all of a source.

    Without a server in ``url`` or in the settings, the call starts one inside this process, if the ``server``
    extra is installed; that server decodes as fast as it can, and stays for a minute for the next call. Any
    other server of ours takes a recording as fast as it can transcribe it, too. Audio for a server that does
    not offer that runs at most 20 s ahead of the clock, because the protocol limits that.

    Args:
        source: A recording (WAV; any other format with the ``audio`` extra): its path, a binary file object,
            or its bytes. Or samples: bytes, an array, or an iterable of either.
        sample_rate: Rate of samples, in Hz; if None that of a source that states it, such as a microphone, or
            16000.
        encoding: Encoding of samples: ``pcm_s16le`` or ``pcm_mulaw``.
        track: The audio track of a film, from 1 on; None: the one that a player would choose.
        url: The server's address; the settings' if None.
        api_key: The key; the settings' if None.
        **options: Further arguments of :func:`vivavoce.connect`, such as ``speaker_labels=True`` and
            ``max_speakers=2``: the result then says who speaks.

    Raises:
        AudioError: The file can't be read.
        ConfigurationError: An argument is invalid.
        RealtimeError: No session can be opened (ConnectError, RefusedError), or it failed.
    """
    with _server(url) as (address, lead_s), _open(source, sample_rate, encoding, track) as sound:
        meter = _Metered(sound, options.get("channels") or 1)
        chunks: Iterable[bytes] = meter.read(sound.chunks)
        with connect(url=address, api_key=api_key, **_session_options(sound, options)) as session:
            most_s = lead_of(session, lead_s)
            if most_s is not None:
                chunks = paced(chunks, sound.bytes_per_second, lead_s=most_s)
            turns = [turn for turn in session.transcribe(chunks) if turn.end_of_turn]
    return Transcript(_with_last_speakers(turns, session), meter.seconds)


def _with_last_speakers(turns: list[TurnEvent], session: Session | AsyncSession) -> list[TurnEvent]:
    """Return the turns of a session that is over with their speakers as last revised."""
    log = TurnLog()
    for event in (*turns, *session.speaker_revisions):
        log.add(event)
    return log.turns


async def transcribe_async(
    source: str | os.PathLike[str] | BinaryIO | Audio | Iterable[Audio],
    *,
    sample_rate: int | None = None,
    encoding: StreamEncoding | str = StreamEncoding.pcm_s16le,
    track: int | None = None,
    url: str | None = None,
    api_key: str | None = None,
    **options: Any,
) -> Transcript:
    """Transcribe an audio file, or all of a source, on the running event loop.

    Arguments and errors are those of :func:`transcribe`.
    """
    with _server(url) as (address, lead_s), _open(source, sample_rate, encoding, track) as sound:
        async with connect_async(url=address, api_key=api_key, **_session_options(sound, options)) as session:
            meter = _Metered(sound, options.get("channels") or 1)
            most_s = lead_of(session, lead_s)
            chunks = _paced_async(meter.read(sound.chunks), sound.bytes_per_second, most_s)
            turns = [turn async for turn in session.transcribe(chunks) if turn.end_of_turn]
    return Transcript(_with_last_speakers(turns, session), meter.seconds)


async def _paced_async(
    chunks: Iterable[bytes], bytes_per_second: int, lead_s: float | None
) -> AsyncIterator[bytes]:
    pacer = None if lead_s is None else Pacer(time.monotonic(), lead_s=lead_s)
    for chunk in chunks:
        wait_s = 0.0
        if pacer is not None:
            wait_s = pacer.wait_s(len(chunk) / bytes_per_second, time.monotonic())
        await asyncio.sleep(max(0.0, wait_s))  # without a pacer it lets other tasks run while a file is read
        yield chunk
