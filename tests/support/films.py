"""Films and recordings, encoded when a test needs them."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.stream import Disposition

__all__ = ["RATE", "beep", "loud_seconds", "onsets", "write_film"]

RATE = 16_000
_FRAME = 1024
_LOUD = 1_000
_PICTURES_PER_S = 25


def beep(seconds=1.0, *, hz=440.0, peak=9_000):
    """Samples of a tone at 16 kHz."""
    return (np.sin(np.arange(round(seconds * RATE)) * hz * 2 * np.pi / RATE) * peak).astype(np.int16)


def onsets(data, rate=RATE):
    """The times at which 16-bit samples become loud after silence, in seconds."""
    loud = np.flatnonzero(np.abs(np.frombuffer(data, "<i2").astype(int)) > _LOUD)
    starts = np.concatenate([[True], np.diff(loud) > rate // 2]) if len(loud) else []
    return [round(float(at) / rate, 2) for at in loud[starts]]


def loud_seconds(data, rate=RATE):
    """For how long 16-bit samples are loud, in seconds."""
    values = np.abs(np.frombuffer(data, "<i2").astype(int))
    step = rate // 50
    blocks = values[: len(values) // step * step].reshape(-1, step)
    return float((blocks.max(axis=1, initial=0) > _LOUD).sum()) * step / rate


def write_film(path, *tracks, seconds=8, form=None, codec="aac", options=None, languages=(), defaults=()):
    """Write a video with audio tracks.

    Args:
        path: The file.
        tracks: Each a list of pieces: start in seconds, and samples at 16 kHz.
        seconds: Length of the pictures; 0: none.
        form: FFmpeg's name of the container; None: that of the suffix.
        codec: Of the audio.
        options: Of the container.
        languages: Of the tracks.
        defaults: Whether each track is marked as the default one; none: as the container does it.
    """
    with av.open(str(path), "w", format=form, options=options or {}) as out:
        video = _video(out) if seconds else None
        audio = [out.add_stream(codec, rate=RATE, layout="mono") for _ in tracks]
        for stream, language in zip(audio, languages, strict=False):
            stream.metadata["language"] = language
        for stream, is_default in zip(audio, defaults, strict=False):
            stream.disposition = Disposition.default if is_default else Disposition(0)
        if video:
            for number in range(seconds * _PICTURES_PER_S):
                picture = av.VideoFrame(64, 48, "yuv420p")
                for plane in picture.planes:
                    plane.update(bytes(plane.buffer_size))
                picture.pts = number
                out.mux(video.encode(picture))
            out.mux(video.encode(None))
        for stream, pieces in zip(audio, tracks, strict=True):
            for start, samples in pieces:
                for at in range(0, len(samples) // _FRAME * _FRAME, _FRAME):
                    out.mux(stream.encode(_frame(samples[at : at + _FRAME], round(start * RATE) + at)))
            out.mux(stream.encode(None))


def _video(out):
    stream = out.add_stream("mpeg4", rate=_PICTURES_PER_S)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    return stream


def _frame(samples, pts):
    values = (samples[None, :] / 32_768).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(values, format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, pts, Fraction(1, RATE)
    return frame
