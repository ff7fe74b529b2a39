"""A voice encoder for the scripted speech: a word of an even index is one voice, any other is another."""

import threading

import numpy as np

from support.scripted_engine import LEXICON, level

_LEVELS = np.array([level(index) for index in range(len(LEXICON))])


class FakeEmbedder:
    """Embeds speech by its loudest level; may wait for a gate, or fail."""

    name = "fake"
    window_samples = 6_144
    shortest_samples = 3_072
    width = 2

    def __init__(self, *, gate=None, error=None):
        self.gate = gate
        self.error = error
        self.batches = []
        self.threads = set()
        self.entered = threading.Event()

    def embed(self, voices):
        self.threads.add(threading.current_thread().name)
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(30)
        if self.error is not None:
            raise self.error
        self.batches.append(len(voices))
        found = np.zeros((len(voices), self.width), np.float32)
        for row, samples in zip(found, voices, strict=True):
            loudest = float(np.abs(samples).max(initial=0.0))
            row[int(np.abs(_LEVELS - loudest).argmin()) % 2] = 1
        return found
