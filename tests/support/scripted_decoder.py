"""A scripted stand-in for the decoder's ONNX Runtime session.

Its scores depend on the span and on the tokens that it can see. It reads these tokens from the cache that the
caller keeps, through the caller's mask. So a caller that does not repair its cache after stepping back gets
other words.
"""

from __future__ import annotations

import ctypes
import functools
import random

import numpy as np

from vivavoce.asr.models.moonshine.decoder import Decoder
from vivavoce.asr.models.moonshine.runtime import MoonshineRuntime
from vivavoce.asr.models.moonshine.sizes import END, HEAD_SIZE, HEADS, STATES

WORDS = range(3, 11)
SIZE = 11


def span(number, frames=4):
    """Return the cross-attention keys and values of a span; the decoder recognises the span by its number."""
    return np.full((STATES, HEADS, frames, HEAD_SIZE), number, np.float32)


def scores(number, history):
    """Return log-probabilities after a history of tokens, shape (SIZE,), float32.

    The longer the history, the likelier the end token.
    """
    return _scores(number, *map(int, history))


@functools.lru_cache(200_000)
def _scores(number, *history):
    dice = random.Random(hash((number, *history)))
    raw = np.array([dice.gauss(0, 2) for _ in range(SIZE)])
    raw[:2] = -50
    raw[END] += len(history) / 2 - 4
    logs = (raw - np.log(np.exp(raw).sum())).astype(np.float32)
    logs.flags.writeable = False
    return logs


class _Binding:
    def __init__(self):
        self.inputs, self.outputs = {}, {}

    def bind_cpu_input(self, name, array):
        self.inputs[name] = array

    def bind_output(self, name, device, device_id, dtype, shape, pointer):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        buffer = (ctypes.c_char * size).from_address(pointer) if size else bytearray()
        self.outputs[name] = np.frombuffer(buffer, dtype).reshape(shape)


class ScriptedDecoder:
    """Replaces the ONNX Runtime session of the decoder's graph.

    Attributes:
        steps: How many times it ran through an I/O binding, one token per row.
    """

    def __init__(self):
        self.steps = 0

    def io_binding(self):
        return _Binding()

    def run_with_iobinding(self, binding):
        self.steps += 1
        names = ("best", "log_probability", "watched_log_probability", "fresh", "attention")
        for name, value in zip(names, self.run(None, binding.inputs), strict=True):
            np.copyto(binding.outputs[name], value)

    def run(self, _names, feed):
        tokens, past, mask = feed["tokens"], feed["past_key_0"], feed["self_bias"]
        batch, new = tokens.shape
        frames = feed["cross_key_0"].shape[2]
        logs = np.zeros((batch, new, SIZE), np.float32)
        for row in range(batch):
            line = [*past[row, 0, :, 0].astype(int), *tokens[row]]
            for place in range(new):
                seen = [token for token, hidden in zip(line, mask[row, 0, place], strict=True) if hidden > -1]
                assert feed["positions"][row, place] == len(seen) - 1
                logs[row, place] = scores(int(feed["cross_key_0"][row, 0, 0, 0]), seen[1:])
        logs = logs.reshape(-1, SIZE)[feed["wanted"]]
        best = np.argsort(-logs, axis=-1, kind="stable")[:, :2]
        fresh = np.zeros((batch, STATES * HEADS, new, HEAD_SIZE), np.float32)
        fresh[:] = tokens[:, None, :, None]
        attention = np.zeros((batch, 2, new, frames), np.float32)
        return best, np.take_along_axis(logs, best, -1), logs[:, feed["watched"]], fresh, attention


def runtime():
    """Return a runtime with a scripted decoder and without an encoder, and that decoder."""
    session = ScriptedDecoder()
    return MoonshineRuntime(None, Decoder(session)), session
