"""Recordings with references: a folder with ``manifest.jsonl`` and the audio that it names.

Each line of the manifest is an object with ``id``, ``audio`` (path within the folder), ``text``, ``kind``,
``duration_s``, ``sample_rate`` and, where known, ``words`` (``text``, ``start``, ``end`` in seconds),
``text_written`` and ``derived``; other fields are ignored.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from vivavoce.bench.model import Clip, RefWord, need
from vivavoce.errors import AudioError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import numpy.typing as npt

__all__ = ["MANIFEST", "find_eval", "load_pcm", "read_manifest", "select"]

MANIFEST = "manifest.jsonl"

Pcm: TypeAlias = "npt.NDArray[np.int16]"
"""Mono samples, shape (n,), int16."""


class _Word(msgspec.Struct):
    text: str
    start: float
    end: float


class _Entry(msgspec.Struct):
    id: str
    audio: str
    text: str | None
    kind: str
    duration_s: float
    sample_rate: int
    words: list[_Word] | None = None
    text_written: str | None = None
    derived: bool = False


def find_eval() -> Path | None:
    """Where the evaluation recordings are; None if they aren't here.

    That is ``VIVAVOCE_EVAL``, or ``shared/eval`` beside the checkout that this file is in.
    """
    named = os.environ.get("VIVAVOCE_EVAL")
    checkout = Path(__file__).resolve().parents[3]
    folder = Path(named) if named else checkout.parent / "shared" / "eval"
    return folder if (folder / MANIFEST).is_file() else None


def read_manifest(folder: Path) -> list[Clip]:
    """Read the recordings of a folder.

    Raises:
        ConfigurationError: There is no manifest, or a line of it can't be used.
    """
    path = folder / MANIFEST
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    decoder = msgspec.json.Decoder(_Entry)
    clips: list[Clip] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise ConfigurationError(f"{path}, line {number}: {error}") from error
        clips.append(
            Clip(
                id=entry.id,
                kind=entry.kind,
                audio=folder / entry.audio,
                text=entry.text,
                duration_s=entry.duration_s,
                sample_rate=entry.sample_rate,
                words=tuple(RefWord(word.text, word.start, word.end) for word in entry.words or ()),
                text_written=entry.text_written,
                derived=entry.derived,
            )
        )
    return clips


def select(
    clips: Iterable[Clip],
    *,
    kinds: Sequence[str] = (),
    ids: Sequence[str] = (),
    limit: int | None = None,
    derived: bool = False,
) -> list[Clip]:
    """Choose among recordings.

    Args:
        clips: All of them.
        kinds: Those kinds only; empty: all.
        ids: Those only; empty: all. What is asked for by name is taken even if it is derived.
        limit: At most so many of each kind, spread evenly over the set.
        derived: Whether to take recordings that are made from others.

    Raises:
        ConfigurationError: A kind or an id does not occur.
    """
    clips = list(clips)
    for what, asked, known in (
        ("kind", kinds, {clip.kind for clip in clips}),
        ("id", ids, {clip.id for clip in clips}),
    ):
        if unknown := sorted(set(asked) - known):
            raise ConfigurationError(f"no recording of {what} {', '.join(unknown)}")
    chosen = [
        clip
        for clip in clips
        if (not kinds or clip.kind in kinds)
        and (not ids or clip.id in ids)
        and (derived or not clip.derived or bool(ids))
    ]
    if limit is None:
        return chosen
    by_kind: dict[str, list[Clip]] = {}
    for clip in chosen:
        by_kind.setdefault(clip.kind, []).append(clip)
    kept: set[str] = set()
    for group in by_kind.values():
        wanted = min(limit, len(group))
        kept.update(group[i * len(group) // wanted].id for i in range(wanted))
    return [clip for clip in chosen if clip.id in kept]


def load_pcm(clip: Clip) -> Pcm:
    """Read the samples of a recording.

    Raises:
        AudioError: It can't be read, isn't mono, or has another rate than its manifest says.
        ExtrasNotInstalledError: soundfile is missing.
    """
    soundfile = need("soundfile")
    try:
        samples, rate = soundfile.read(clip.audio, dtype="int16")
    except (OSError, RuntimeError) as error:
        raise AudioError(f"{clip.audio}: {error}") from error
    if samples.ndim != 1 or rate != clip.sample_rate:
        raise AudioError(f"{clip.audio}: expected mono at {clip.sample_rate} Hz, got {rate} Hz")
    pcm: Pcm = samples
    return pcm
