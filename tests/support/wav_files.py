"""WAV files of every kind, damaged ones included."""

import struct

from vivavoce.recordings.pcm import PCM

__all__ = ["shorts", "wav"]


def wav(
    data, *, tag=PCM, channels=1, rate=16_000, bits=16, length=None, before=b"", after=b"", fmt_extra=b""
):
    frame = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits) + fmt_extra
    size = len(data) if length is None else length
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(fmt)) + fmt + before
    body += b"data" + struct.pack("<I", size) + data + after
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFF if size == 0xFFFFFFFF else len(body)) + body


def shorts(*values):
    return struct.pack(f"<{len(values)}h", *values)
