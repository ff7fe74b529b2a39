"""What tells voices apart in the scripted speech: a word of an even index is one voice, any other another."""

import threading

import numpy as np

from support.scripted_engine import FRAME, LEXICON, level
from vivavoce.asr.speakers import VoiceTuning

_LEVELS = np.array([level(index) for index in range(len(LEXICON))])


class FakeEmbedder:
    """Embeds speech by its loudest level; may wait for a gate, or fail."""

    name = "fake"
    window_samples = 6_144
    hop_samples = 3_072
    shortest_samples = 3_072
    width = 2
    typical = np.zeros(2, np.float32)
    tuning = VoiceTuning(alike=0.6, founding=0.1, inherited=0.6, apart=0.5, pools=False)

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


class FakeSegmenter:
    """Finds the voice of each frame of the scripted speech; a silent one has none.

    Where ``shared`` is given, the frames from its first to its second number have two speakers.
    """

    name = "fake"
    step_samples = FRAME
    offset_samples = FRAME // 2

    def __init__(self, *, shared=(0, 0)):
        self.shared = shared
        self.lengths = []

    def classes(self, audio):
        found = []
        for samples in audio:
            self.lengths.append(len(samples))
            frames = np.abs(samples[: len(samples) // FRAME * FRAME]).reshape(-1, FRAME).max(axis=1)
            voices = np.abs(_LEVELS[:, None] - frames).argmin(axis=0) % 2
            classes = np.where(frames < _LEVELS[0] / 2, 0, 1 + voices)
            classes[slice(*self.shared)] = 4
            found.append(classes)
        return found
