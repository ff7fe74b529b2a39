"""Words said alone: how they are cut out, and what counts."""

import wave
from pathlib import Path

import numpy as np
from benchmarks.lone_words import count, cut_at_silence

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, silence, speech, spoken
from vivavoce.asr.models import Hypothesis, HypothesisWord
from vivavoce.bench.records import Clip

RATE = 16_000


def test_words_are_cut_at_silent_gaps():
    parts = [np.full(n, 500, np.int16) for n in (3_000, 4_000, 5_000)]
    gap = np.zeros(RATE // 8, np.int16)
    pcm = np.concatenate([gap, parts[0], gap, parts[1], gap, parts[2], gap])
    assert [len(part) for part in cut_at_silence(pcm, RATE)] == [3_000, 4_000, 5_000]
    assert list(cut_at_silence(gap, RATE)) == []


class Mishearing(ScriptedRecogniser):
    """Takes everything for the same word."""

    def recognise(self, spans):
        word = HypothesisWord("Hotel.", 0.0, 0.2, 0.95, 1)
        return [Hypothesis((1,), (word,)) for _ in spans]


class Eager(ScriptedDetector):
    """Takes everything for speech."""

    def detect(self, batch):
        return [(state, np.full(len(frames), 0.99, np.float32)) for state, frames in batch]


def clip(folder, kind, text, samples):
    path = Path(folder) / f"{kind}.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((samples * 32_767).astype("<i2").tobytes())
    return Clip(kind, kind, path, text, len(samples) / RATE, RATE)


def test_words_are_counted(tmp_path):
    said = spoken(9, 9)  # the word of the level to which everything is brought
    samples = np.concatenate([silence(8), speech(9), silence(8), speech(9), silence(8)])
    clips = [
        clip(tmp_path, "digits", " ".join(said), samples),
        clip(tmp_path, "non-speech", "", silence(40)),
        clip(tmp_path, "read", "not counted", samples),
    ]
    counts = count(clips, 0, "v2", ScriptedRecogniser(), ScriptedDetector())
    assert (counts.said, counts.right, counts.shown, counts.shown_other) == (2, 2, 2, 0)
    assert counts.invented == 0
    counts = count(clips, 0, "v2", Mishearing(), ScriptedDetector())
    assert (counts.said, counts.right, counts.shown, counts.shown_other) == (2, 0, 0, 2)
    counts = count(clips[1:], 0, "v2", Mishearing(), Eager())
    assert counts.said == 0
    assert counts.invented > 0
