"""Compressed audio, encoded when a test needs it."""

from __future__ import annotations

import io

import av
import numpy as np


def opus_packets(samples, *, rate=48_000, layout="mono"):
    """Encode float samples at 48 kHz as Opus packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, layout, "s16"
    step, packets = rate // 50, []
    for at in range(0, len(samples) // step * step, step):
        frame = _frame(samples[at : at + step], layout, "s16")
        frame.sample_rate, frame.pts = rate, at
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def container(samples, codec, form, *, rate, layout="mono"):
    """Encode float samples as a whole file.

    Args:
        samples: Mono samples at the sample rate.
        codec: "libopus" or "aac".
        form: The container, "ogg" for Opus or "adts" for AAC.
        rate: Sample rate in Hz.
        layout: "mono", or another one whose channels are all the same.
    """
    file = io.BytesIO()
    with av.open(file, "w", format=form) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.layout = layout
        kind = "fltp" if codec == "aac" else "s16"
        for at in range(0, len(samples), 960):
            frame = _frame(samples[at : at + 960], layout, kind)
            frame.sample_rate, frame.pts = rate, at
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def _frame(samples, layout, kind):
    n_channels = av.AudioLayout(layout).nb_channels
    channels = np.stack([samples] * n_channels)
    if n_channels > 7:  # from_ndarray() would write to planes that do not exist
        frame = av.AudioFrame(format=kind, layout=layout, samples=len(samples))
        for values, plane in zip(channels, frame.planes, strict=False):
            plane.update(values.astype(np.float32).tobytes())
        return frame
    if kind == "s16":
        packed = np.ascontiguousarray(channels.T).reshape(1, -1)
        return av.AudioFrame.from_ndarray((packed * 32_767).astype(np.int16), format="s16", layout=layout)
    return av.AudioFrame.from_ndarray(channels.astype(np.float32), format=kind, layout=layout)
