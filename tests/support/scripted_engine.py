"""An engine for tests whose speech is loud silence: its hypotheses are a function of the samples.

A word is a block of samples of one level and alternating sign; its level says which word of `LEXICON` it is.
Words are kept apart by a block of a very low level, which still counts as speech, and silence is zeros. A
word of which only a part is in the span becomes its first letters, so partial hypotheses change as real
ones do.
A word that is expected is written as its term is.
"""

from __future__ import annotations

import threading
import time

import numpy as np

from vivavoce.asr.models import BatchAtOnce, Hypothesis, HypothesisWord, Span, SpeechState

FRAME = 512
LEXICON = ["Alpha", "bravo.", "Charlie,", "delta", "echo?", "Foxtrot", "golf!", "hotel", "twenty", "five"]
WORD_FRAMES = 8
GAP_FRAMES = 3
_GAP_LEVEL = 0.005
_STEP = 0.05


def level(index):
    return (index + 1) * _STEP


def silence(frames):
    return np.zeros(frames * FRAME, dtype=np.float32)


def speech(*indices):
    """Samples in which the words of these indices are said, one after the other."""
    blocks = []
    for index in indices:
        blocks.append(_block(WORD_FRAMES, level(index)))
        blocks.append(_block(GAP_FRAMES, _GAP_LEVEL))
    return np.concatenate(blocks)


def _block(frames, amplitude):
    return np.tile(np.array([amplitude, -amplitude], dtype=np.float32), frames * FRAME // 2)


def pcm(samples):
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def spoken(*indices):
    return [LEXICON[index] for index in indices]


class ScriptedDetector:
    """Speech is whatever is not zero."""

    frame_samples = FRAME

    def initial_state(self):
        return SpeechState(np.zeros((2, 128), np.float32), np.zeros(64, np.float32))

    def detect(self, batch):
        return [
            (state, np.where(np.abs(frames).max(axis=1) > 0.001, 0.999, 0.01).astype(np.float32))
            for state, frames in batch
        ]


class ScriptedRecogniser:
    """Reads the words off the samples; a token is a word's index plus 10 times the eighths in the span."""

    name = "scripted"
    step_samples = 384
    joins_running = False
    max_workers = None
    partial_cadence_ms = None

    def __init__(self, *, max_batch=4, pass_s=0.0, gate=None, fail_after=None):
        self.max_batch = max_batch
        self.calls = []
        self._pass_s = pass_s
        self._gate = gate
        self._fail_after = fail_after
        self._thread = None

    def open_batch(self):
        return BatchAtOnce(self.recognise)

    def recognise(self, spans):
        self._thread = self._thread or threading.get_ident()
        self.calls.append(list(spans))
        if self._fail_after is not None and len(self.calls) > self._fail_after:
            raise RuntimeError("scripted failure")
        if self._gate is not None:
            self._gate.wait(120)
        if self._pass_s:
            time.sleep(self._pass_s)
        return [self._decode(span) for span in spans]

    def _decode(self, span: Span) -> Hypothesis:
        indices = np.rint(np.abs(span.samples) / _STEP).astype(int)
        edges = np.flatnonzero(np.diff(indices)) + 1
        tokens, words = [], []
        for run in np.split(np.arange(len(indices)), edges):
            if not len(run) or indices[run[0]] < 1:
                continue
            index = int(indices[run[0]]) - 1
            eighths = min(8, round(len(run) / (WORD_FRAMES * FRAME) * 8))
            if not eighths:
                continue
            text = LEXICON[index] if eighths >= 7 else LEXICON[index][: max(1, eighths // 2)]
            for term in span.terms:
                if text.lower().startswith(term.lower()):
                    text = term + text[len(term) :]
            tokens.append(index + 10 * eighths)
            words.append(HypothesisWord(text, run[0] / 16_000, (run[-1] + 1) / 16_000, eighths / 8, 1))
        kept = len(span.prefix)
        for place, token in enumerate(span.prefix):  # committed words stay, whatever the samples are
            start_s, end_s = (words[place].start_s, words[place].end_s) if place < len(words) else (0.0, 0.0)
            text = LEXICON[token % 10] if token // 10 >= 7 else LEXICON[token % 10][: max(1, token // 20)]
            words[place : place + 1] = [HypothesisWord(text, start_s, end_s, 1.0, 1)]
        return Hypothesis((*span.prefix, *tokens[kept:]), tuple(words))
