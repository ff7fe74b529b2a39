"""A room's transcript in the formats that people and players read."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.captions import to_srt, to_vtt, vtt_block
from vivavoce.server.rooms.content import named_turn
from vivavoce.server.rooms.feed import line_fields, room_voices
from vivavoce.store.export import written_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vivavoce.captions import Cue
    from vivavoce.server.rooms.room import Room

__all__ = ["CAPTION_FILES", "SEGMENT_MS", "TEXT_FILES", "is_complete", "playlist", "segment"]

SEGMENT_MS: Final = 6_000
"""The length of a segment of WebVTT."""

_WINDOW_SEGMENTS: Final = 10
_TARGET_S: Final = SEGMENT_MS // 1000
_MPEG_HZ: Final = 90_000  # RFC 8216, section 3.5: X-TIMESTAMP-MAP counts in this clock


def _text(room: Room) -> str:
    names = room.voices.names
    rows = (written_parts(named_turn(line, names)) for line in room.lines)
    return "".join(f"{row}\n" for each in rows for row in each)


def _json(room: Room) -> str:
    content = {
        "room": room.name,
        "title": room.title,
        "started": room.began_unix,
        "voices": room_voices(room),
        "lines": [line_fields(line) for line in room.lines],
    }
    return msgspec.json.format(msgspec.json.encode(content)).decode() + "\n"


TEXT_FILES: Final[dict[str, tuple[str, Callable[[Room], str]]]] = {
    "transcript.txt": ("text/plain", _text),
    "transcript.json": ("application/json", _json),
}
"""What a transcript can be downloaded as: by file name, the media type and what writes it."""

CAPTION_FILES: Final[dict[str, tuple[str, Callable[[Sequence[Cue]], str]]]] = {
    "captions.srt": ("application/x-subrip", to_srt),
    "captions.vtt": ("text/vtt", to_vtt),
}
"""The same for files made of the transcript's cues."""


def playlist(room: Room, unix_now: float) -> str:
    """Write the HLS playlist of a room's captions (RFC 8216): the newest segments that are complete.

    Args:
        room: The room.
        unix_now: In seconds since 1970.
    """
    n_complete = _settled_ms(room, unix_now) // SEGMENT_MS
    first = 0 if _is_over(room) else max(0, n_complete - _WINDOW_SEGMENTS)
    rows = [
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        f"#EXT-X-TARGETDURATION:{_TARGET_S}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
    ]
    for number in range(first, n_complete):
        rows += [f"#EXTINF:{_TARGET_S:.3f},", f"captions/{number}.vtt"]
    if _is_over(room):
        rows.append("#EXT-X-ENDLIST")
    return "\n".join(rows) + "\n"


def is_complete(room: Room, number: int, unix_now: float) -> bool:
    """Whether a segment has all its cues.

    Args:
        room: The room.
        number: Of the segment, from 0.
        unix_now: In seconds since 1970.
    """
    return 0 <= number < _settled_ms(room, unix_now) // SEGMENT_MS


def segment(cues: Sequence[Cue], number: int) -> str:
    """Write one segment: the cues that are shown in it.

    Args:
        cues: All cues of the room, in the order of time.
        number: Of the segment, from 0; it must be complete.
    """
    start_ms, end_ms = number * SEGMENT_MS, (number + 1) * SEGMENT_MS
    first = bisect_right(cues, start_ms, key=lambda cue: cue.end_ms)  # cues never overlap
    last = bisect_left(cues, end_ms, key=lambda cue: cue.start_ms)
    head = f"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:{10 * _MPEG_HZ}\n"
    return "\n".join([head, *map(vtt_block, cues[first:last])])


def _is_over(room: Room) -> bool:
    return room.is_open and not room.n_speakers


def _settled_ms(room: Room, unix_now: float) -> int:
    """How far on the timeline no more words can come, in milliseconds."""
    if _is_over(room):
        end_ms = max((line.end_ms for line in room.lines), default=0)
        return -(-end_ms // SEGMENT_MS) * SEGMENT_MS
    open_ms = [partial.start_ms for partial in room.partials]
    return max(0, min([room.now_ms(unix_now) - 2_000, *(ms - 1_000 for ms in open_ms)]))
