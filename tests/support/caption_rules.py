"""What holds for captions of any words, and three independent readers of caption files."""

import io
import re
from itertools import pairwise

import av
import pysubs2
import webvtt

from vivavoce.captions import Style, to_srt, to_vtt

TWO_FRAMES_MS = 84
SHORTEST_MS = 834
STYLE = Style()


def check_rules(cues, style=STYLE):
    """Check lengths, durations, gaps and reading speed."""
    for cue in cues:
        assert SHORTEST_MS <= cue.end_ms - cue.start_ms <= style.max_ms, cue
        assert 0 < len(cue.lines) <= style.lines, cue
        for line in cue.lines:
            assert line == line.strip() != "", cue
            assert len(line) <= style.line_characters or " " not in line, cue
    for cue, following in pairwise(cues):
        gap_ms = following.start_ms - cue.end_ms
        assert gap_ms == 0 or gap_ms >= TWO_FRAMES_MS, (cue, following)
    for cue, following in pairwise([*cues, None]):
        shown_ms = cue.end_ms - cue.start_ms
        if len(cue.text) * 1000 / shown_ms > style.characters_per_s and shown_ms < style.max_ms:
            assert following is not None, f"read too fast, and nothing follows: {cue}"
            assert following.start_ms == cue.end_ms, f"read too fast beside a blank: {cue}, {following}"


def milliseconds(stamp):
    """Return the time of a stamp of WebVTT."""
    hours, minutes, seconds = stamp.split(":")
    return round(((int(hours) * 60 + int(minutes)) * 60 + float(seconds)) * 1000)


def of_pysubs2(cues):
    """Return start, end and text of each cue as pysubs2 reads them from SRT; ``\\N`` breaks lines."""
    srt = pysubs2.SSAFile.from_string(to_srt(cues), format_="srt", keep_html_tags=True) if cues else []
    return [(line.start, line.end, line.text) for line in srt]


def of_webvtt(cues):
    """Return start, end and lines of each cue as webvtt-py reads them from WebVTT."""
    return [
        (milliseconds(cue.start), milliseconds(cue.end), tuple(map(unescaped, cue.raw_text.split("\n"))))
        for cue in webvtt.from_string(to_vtt(cues)).captions
    ]


def of_ffmpeg(cues, kind):
    """Return start, end and lines of each cue as FFmpeg reads them from ``srt`` or ``webvtt``."""
    text = {"srt": to_srt, "webvtt": to_vtt}[kind](cues)
    found = []
    with av.open(io.BytesIO(text.encode()), format=kind) as container:
        for packet in container.demux():
            if packet.pts is not None:
                assert packet.time_base.denominator == 1000 * packet.time_base.numerator
                lines = bytes(packet).decode().split("\n")
                found.append((packet.pts, packet.pts + packet.duration, tuple(lines)))
    return (
        found
        if kind == "srt"
        else [(start, end, tuple(map(unescaped, lines))) for start, end, lines in found]
    )


def ends_like_the_next(cue):
    """Return whether its last line must be a number alone, which pysubs2 takes for that of the next cue."""
    *before, last = cue[2]
    return (
        last.isdecimal()
        and bool(before)
        and len(f"{before[-1].split(' ')[-1]} {last}") > STYLE.line_characters
    )


def without_arrows(line):
    """Return a line of SRT without the mark that separates times."""
    return re.sub("-+->", "->", line)


def unescaped(line):
    """Return a line of WebVTT as it is shown."""
    return line.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def check_parsers(cues):
    """Check that all readers find the same cues."""
    expected = [(cue.start_ms, cue.end_ms, cue.lines) for cue in cues]
    srt = [(start, end, tuple(map(without_arrows, lines))) for start, end, lines in expected]
    if not any(map(ends_like_the_next, srt)):
        assert of_pysubs2(cues) == [(start, end, "\\N".join(lines)) for start, end, lines in srt]
    assert of_webvtt(cues) == expected
    if cues:  # FFmpeg takes an empty file for no file
        assert of_ffmpeg(cues, "srt") == srt
        assert of_ffmpeg(cues, "webvtt") == expected
