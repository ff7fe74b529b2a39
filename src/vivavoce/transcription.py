"""A whole recording in one call."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vivavoce.client.chunking import as_bytes, is_audio
from vivavoce.client.connect import connect, connect_async
from vivavoce.errors import ConfigurationError
from vivavoce.protocol.aai_v3.choices import StreamEncoding
from vivavoce.recordings import Sound, from_file
from vivavoce.recordings.pacing import MAX_LEAD_S, Pacer, paced
from vivavoce.settings import settings
from vivavoce.types import Encoding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from vivavoce.client.chunking import Audio
    from vivavoce.client.events import TurnEvent, Word

__all__ = ["Transcript", "transcribe", "transcribe_async"]

_SLICE_BYTES: Final = 32_000
_PATIENCE_S: Final = 60.0  # a slow machine says nothing for as long as it thinks over an utterance
_SERVER_PARTS: Final = ("onnxruntime", "starlette", "uvicorn", "moonshine_voice")


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in a recording.

    Attributes:
        turns: The finished turns, in order.
    """

    turns: list[TurnEvent]

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join(turn.transcript for turn in self.turns if turn.transcript)

    @property
    def words(self) -> list[Word]:
        """All words, with their times in milliseconds."""
        return [word for turn in self.turns for word in turn.words]

    def __str__(self) -> str:
        return self.text


@contextlib.contextmanager
def _place(url: str | None) -> Iterator[tuple[str | None, float | None]]:
    """Which server to use, and by how much sound may run ahead of the clock there, in seconds."""
    is_named = url is not None or settings.source_of("base_url") is not None
    if is_named or any(importlib.util.find_spec(name) is None for name in _SERVER_PARTS):
        yield url, MAX_LEAD_S
        return
    # Loading it takes a second, and most programs have a server elsewhere.
    from vivavoce.server import LocalServer  # noqa: PLC0415

    with LocalServer() as server:
        yield server.base_url, None


@contextlib.contextmanager
def _sound(
    source: str | os.PathLike[str] | Audio | Iterable[Audio],
    sample_rate: int | None,
    encoding: StreamEncoding | str,
) -> Iterator[Sound]:
    if isinstance(source, str | os.PathLike):
        if sample_rate is not None:
            raise ConfigurationError("sample_rate is for raw samples; a file says its own")
        with from_file(Path(source)) as sound:
            yield sound
        return
    if encoding not in tuple(Encoding):
        raise ConfigurationError(f"encoding must be one of {', '.join(Encoding)} here, got {encoding!r}")
    chosen = Encoding(encoding)
    is_pcm = chosen is Encoding.PCM_S16LE
    pieces: Any = (source,) if is_audio(source) else source
    chunks = (
        bytes(data[start : start + _SLICE_BYTES])
        for data in (as_bytes(piece, is_pcm=is_pcm) for piece in pieces)
        for start in range(0, len(data), _SLICE_BYTES)
    )
    yield Sound(chunks, sample_rate or 16_000, chosen)


def transcribe(
    source: str | os.PathLike[str] | Audio | Iterable[Audio],
    *,
    sample_rate: int | None = None,
    encoding: StreamEncoding | str = StreamEncoding.pcm_s16le,
    url: str | None = None,
    api_key: str | None = None,
    **options: Any,
) -> Transcript:
    """Transcribe a recording.

    With no server named or configured one is started inside this process for the call, if it is installed;
    it takes sound as fast as it can hear it. Any other is sent sound 20 s ahead of the clock at most, because
    its protocol wants that.

    Args:
        source: A file (WAV; of any other kind with the ``audio`` extra), or samples: bytes, an array, or
            an iterable of them.
        sample_rate: Of samples, in Hz; 16000 if None.
        encoding: Of samples: ``pcm_s16le`` or ``pcm_mulaw``.
        url: The server's address; the settings' if None.
        api_key: The key; the settings' if None.
        **options: What :func:`vivavoce.connect` takes besides.

    Raises:
        AudioError: The file can't be read.
        RealtimeError: No session can be opened (ConnectError, RefusedError), or it failed.
    """
    with _place(url) as (place, lead_s), _sound(source, sample_rate, encoding) as sound:
        chunks = sound.chunks
        if lead_s is not None:
            chunks = paced(chunks, sound.bytes_per_second, lead_s=lead_s)
        given = {
            "partials": False,
            "close_timeout_s": _PATIENCE_S,
            "sample_rate": sound.sample_rate,
            "encoding": sound.encoding.value,
            **options,
        }
        with connect(url=place, api_key=api_key, **given) as session:
            return Transcript([turn for turn in session.transcribe(chunks) if turn.end_of_turn])


async def transcribe_async(
    source: str | os.PathLike[str] | Audio | Iterable[Audio],
    *,
    sample_rate: int | None = None,
    encoding: StreamEncoding | str = StreamEncoding.pcm_s16le,
    url: str | None = None,
    api_key: str | None = None,
    **options: Any,
) -> Transcript:
    """Transcribe a recording on the running event loop.

    Arguments and errors are those of :func:`transcribe`.
    """
    with _place(url) as (place, lead_s), _sound(source, sample_rate, encoding) as sound:
        given = {
            "partials": False,
            "close_timeout_s": _PATIENCE_S,
            "sample_rate": sound.sample_rate,
            "encoding": sound.encoding.value,
            **options,
        }
        async with connect_async(url=place, api_key=api_key, **given) as session:
            chunks = _paced_async(sound, lead_s)
            return Transcript([turn async for turn in session.transcribe(chunks) if turn.end_of_turn])


async def _paced_async(sound: Sound, lead_s: float | None) -> AsyncIterator[bytes]:
    pacer = None if lead_s is None else Pacer(time.monotonic(), lead_s=lead_s)
    for chunk in sound.chunks:
        wait_s = 0.0
        if pacer is not None:
            wait_s = pacer.wait_s(len(chunk) / sound.bytes_per_second, time.monotonic())
        await asyncio.sleep(max(0.0, wait_s))  # without a pacer it lets other tasks run while a file is read
        yield chunk
