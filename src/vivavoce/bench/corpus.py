"""Recordings with references: a folder with ``manifest.jsonl`` and the audio files that it names.

Each line of the manifest is an object with ``id``, ``audio`` (path within the folder), ``text``, ``kind``,
``duration_s``, ``sample_rate`` and, where known, ``words`` (``text``, ``start``, ``end`` in seconds),
``text_written`` and ``derived``; other fields are ignored.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vivavoce.bench.records import Clip, RefWord
from vivavoce.errors import ConfigurationError
from vivavoce.json_failures import JSON_FAILURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["MANIFEST", "find_eval", "folder_or_default", "read_manifest", "select"]

MANIFEST = "manifest.jsonl"


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
    speaker: str | None = None


def find_eval() -> Path | None:
    """Return the folder of the evaluation recordings; None if there is none.

    That is ``VIVAVOCE_EVAL``, or ``shared/eval`` beside the checkout that contains this file.
    """
    named = os.environ.get("VIVAVOCE_EVAL")
    checkout = Path(__file__).resolve().parents[3]
    folder = Path(named) if named else checkout.parent / "shared" / "eval"
    return folder if (folder / MANIFEST).is_file() else None


def folder_or_default(folder: Path | None) -> Path:
    """Return that folder, or the evaluation set.

    Raises:
        ConfigurationError: No folder is named and there is no evaluation set.
    """
    found = folder or find_eval()
    if found is None:
        raise ConfigurationError(
            "no folder of recordings: name one, or set VIVAVOCE_EVAL to the evaluation set"
        )
    return found


def read_manifest(folder: Path) -> list[Clip]:
    """Read the recordings of a folder.

    Raises:
        ConfigurationError: There is no manifest, or a line of it is not valid.
    """
    path = folder / MANIFEST
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: {(error.strerror or str(error)).lower()}; name a folder of recordings with a {MANIFEST}"
        ) from error
    decoder = msgspec.json.Decoder(_Entry)
    clips: list[Clip] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            clips.append(_clip(folder, decoder.decode(line)))
        except JSON_FAILURES as error:
            raise ConfigurationError(f"{path}, line {number}: {error}") from error
    return clips


def _clip(folder: Path, entry: _Entry) -> Clip:
    return Clip(
        id=entry.id,
        kind=entry.kind,
        audio=folder / entry.audio,
        text=entry.text,
        duration_s=entry.duration_s,
        sample_rate=entry.sample_rate,
        words=tuple(RefWord(word.text, word.start, word.end) for word in entry.words or ()),
        text_written=entry.text_written,
        derived=entry.derived,
        speaker=entry.speaker,
    )


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
        kinds: Only these kinds; empty: all.
        ids: Only these recordings; empty: all. A recording that is named is chosen even if it is derived.
        limit: Largest number of each kind, spread evenly over the set.
        derived: Whether to include recordings that are made from others.

    Raises:
        ConfigurationError: A kind or an id does not occur.
    """
    clips = list(clips)
    for what, named, known in (
        ("kind", kinds, {clip.kind for clip in clips}),
        ("id", ids, {clip.id for clip in clips}),
    ):
        if unknown := sorted(set(named) - known):
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
        count = min(limit, len(group))
        kept.update(group[i * len(group) // count].id for i in range(count))
    return [clip for clip in chosen if clip.id in kept]
