"""Recognises file formats by their first bytes, where raw samples are possible too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vivavoce.recordings.wav import MAGIC_BYTES, MAGICS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PROBE_BYTES", "format_name", "is_recording", "needs_seeking"]

PROBE_BYTES: Final = 4096
"""How much of a stream is enough to recognise its format, in bytes."""

_MAGICS: Final = (  # each with its position and the name of its format
    (0, b"\x1aE\xdf\xa3", "WebM or Matroska"),
    (0, b"OggS", "Ogg"),
    (0, b"fLaC", "FLAC"),
    (0, b"ID3\x02", "MP3"),
    (0, b"ID3\x03", "MP3"),
    (0, b"ID3\x04", "MP3"),
    (4, b"ftyp", "MP4"),
    *((4, box, "MP4") for box in (b"moov", b"mdat", b"wide", b"free", b"skip")),
    (0, b"caff\x00\x01", "CAF"),
    (0, b"FORM", "AIFF"),
    (0, b".snd", "AU"),
    (0, b"#!AMR", "AMR"),
    (0, b"FLV\x01", "FLV"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "WMA"),
    (0, b"RIFX", "RIFX"),
    (8, b"AVI ", "AVI"),
    (0, b"riff\x2e\x91\xcf\x11", "Wave64"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC \x96\x0f", "Monkey's Audio"),
    (0, b"TTA1", "TTA"),
    (0, b"\x00\x00\x01\xba", "MPEG"),
    (0, b".RMF", "RealMedia"),
    (0, b"Creative Voice File\x1a", "VOC"),
    (0, b"\x7f\xfe\x80\x01", "DTS"),
    (0, b"NIST_1A", "NIST SPHERE"),
    (0, b"#!SILK", "SILK"),
    (1, b"#!SILK", "SILK"),
    (0, b"DSD ", "DSD"),
    (0, b"FRM8", "DSD"),
    (0, b"qoaf", "QOA"),
    (0, b"MPCK", "Musepack"),
    (0, b"MP+", "Musepack"),
)
_SYNCS: Final = re.compile(rb"\xff[\xe0-\xff]|\x0b\x77")  # how a frame of MPEG audio, AAC or AC-3 begins
_FRAMES: Final = 3  # successive frames that fit together; samples have none but by design
_MPEG_RATES_KBIT: Final = {  # ISO 11172-3 and 13818-3, by (MPEG-1, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG_HZ: Final = (44_100, 48_000, 32_000)
_MPEG_HEADER_BYTES: Final = 4
_ADTS_HEADER_BYTES: Final = 7
_AC3_HEADER_BYTES: Final = 5
_AC3_RATES_KBIT: Final = (
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
)  # fmt: skip
_TS_PACKET_BYTES: Final = 188
_TS_PACKETS: Final = 5
_TS_HEADER_BYTES: Final = 4
_TS_SYNC: Final = 0x47
_MP4_BOX_BYTES: Final = 8


def format_name(data: bytes) -> str | None:
    """Return the name of the file format that data begins with; None: it has no known one.

    Args:
        data: The first `PROBE_BYTES`, or all if there are fewer.
    """
    for position, magic, name in _MAGICS:
        if data.startswith(magic, position):
            return name
    if _is_transport_stream(data):
        return "MPEG-TS"
    for name, length_of in (("AAC", _adts_length), ("MP3", _mpeg_length), ("AC-3", _ac3_length)):
        if _has_frames(data, length_of):
            return name
    return None


def is_recording(data: bytes) -> bool:
    """Whether data is the beginning of a file in a known format, rather than raw samples.

    Args:
        data: The first `PROBE_BYTES`, or all if there are fewer.
    """
    is_wav = data[:MAGIC_BYTES] in MAGICS and data[8:12] == b"WAVE"
    return is_wav or format_name(data) is not None


def needs_seeking(data: bytes) -> bool:
    """Whether a recording may have its index after its samples, as MP4 files of cameras have.

    Args:
        data: The first `PROBE_BYTES` of it.
    """
    if data.startswith((b"FORM", b"caff")):
        return True
    if format_name(data) != "MP4":
        return False
    at = 0
    while at + _MP4_BOX_BYTES <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if kind == b"moov":
            return False
        if kind == b"mdat" or length < _MP4_BOX_BYTES:
            return True
        at += length
    return True


def _is_transport_stream(data: bytes) -> bool:
    """Whether data begins with packets whose headers are valid; ISO 13818-1, section 2.4.3.2."""
    heads = [
        data[at : at + _TS_HEADER_BYTES]
        for at in range(0, _TS_PACKETS * _TS_PACKET_BYTES, _TS_PACKET_BYTES)
        if at + _TS_HEADER_BYTES <= len(data)
    ]
    return len(heads) == _TS_PACKETS and all(
        head[0] == _TS_SYNC and not head[1] & 0x80 and head[3] & 0x30 for head in heads
    )


def _has_frames(data: bytes, length_of: Callable[[bytes, int], tuple[int, object] | None]) -> bool:
    """Whether data contains successive frames: each begins where the one before ends, with the same format.

    A stream may begin in the middle of a frame, as one that was recorded from the air does.

    Args:
        data: The beginning of a stream.
        length_of: Returns the length of the frame at a position, in bytes, and its format; None: no frame is
            there.
    """
    for sync in _SYNCS.finditer(data):
        at, frames, kind = sync.start(), 0, None
        while frames < _FRAMES and (found := length_of(data, at)) is not None:
            length, kind_here = found
            if kind not in {None, kind_here}:
                break
            kind = kind_here
            at += length
            frames += 1
        is_all = sync.start() == 0 and frames > 1 and at == len(data)
        if frames == _FRAMES or is_all:
            return True
    return False


def _adts_length(data: bytes, at: int) -> tuple[int, object] | None:
    """Of an AAC frame; ISO 13818-7, section 6.2."""
    if at + _ADTS_HEADER_BYTES > len(data) or data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:  # noqa: PLR2004
        return None
    length = (data[at + 3] & 0x03) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    return (length, data[at + 1]) if length > _ADTS_HEADER_BYTES else None


def _mpeg_length(data: bytes, at: int) -> tuple[int, object] | None:
    """Of an MPEG audio frame; ISO 11172-3, section 2.4.2.3."""
    if at + _MPEG_HEADER_BYTES > len(data) or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:  # noqa: PLR2004
        return None
    version, layer = data[at + 1] >> 3 & 3, 4 - (data[at + 1] >> 1 & 3)
    rate, hz = data[at + 2] >> 4, data[at + 2] >> 2 & 3
    if version == 1 or layer == 4 or rate in {0, 15} or hz == 3:  # noqa: PLR2004  - reserved values
        return None
    is_first = version == 3  # noqa: PLR2004
    bits_per_s = _MPEG_RATES_KBIT[is_first, layer][rate - 1] * 1000
    sample_rate = _MPEG_HZ[hz] // {3: 1, 2: 2, 0: 4}[version]
    padding = data[at + 2] >> 1 & 1
    kind = (version, layer, hz)
    if layer == 1:
        return (12 * bits_per_s // sample_rate + padding) * 4, kind
    samples = 1152 if layer == 2 or is_first else 576  # noqa: PLR2004
    return samples // 8 * bits_per_s // sample_rate + padding, kind


def _ac3_length(data: bytes, at: int) -> tuple[int, object] | None:
    """Of an AC-3 frame; ATSC A/52, table 5.18."""
    if at + _AC3_HEADER_BYTES > len(data) or data[at : at + 2] != b"\x0b\x77":
        return None
    hz, size = data[at + 4] >> 6, data[at + 4] & 0x3F
    if hz == 3 or size // 2 >= len(_AC3_RATES_KBIT):  # noqa: PLR2004  - reserved values
        return None
    kbit = _AC3_RATES_KBIT[size // 2]
    words = (kbit * 2, kbit * 320 // 147 + size % 2, kbit * 3)[hz]
    return words * 2, hz
