"""Words said alone: how they are cut out, and what counts."""

import wave
from pathlib import Path

import numpy as np
from benchmarks.lone_words import count, cut_at_silence

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, silence, speech, spoken
from vivavoce.bench.records import Clip

RATE = 16_000


def test_words_are_cut_at_silent_gaps():
    parts = [np.full(n, 500, np.int16) for n in (3_000, 4_000, 5_000)]
    gap = np.zeros(RATE // 8, np.int16)
    pcm = np.concatenate([gap, parts[0], gap, parts[1], gap, parts[2], gap])
    assert [len(part) for part in cut_at_silence(pcm, RATE)] == [3_000, 4_000, 5_000]
    assert list(cut_at_silence(gap, RATE)) == []


def clip(folder, kind, text, samples):
    path = Path(folder) / f"{kind}.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((samples * 32_767).astype("<i2").tobytes())
    return Clip(kind, kind, path, text, len(samples) / RATE, RATE)


def test_words_are_counted(tmp_path):
    said = [spoken(0)[0], spoken(8)[0]]
    samples = np.concatenate([silence(8), speech(0), silence(8), speech(8), silence(8)])
    clips = [
        clip(tmp_path, "digits", " ".join(said), samples),
        clip(tmp_path, "non-speech", "", silence(40)),
        clip(tmp_path, "read", "not counted", samples),
    ]
    counts = count(clips, 0, "v2", ScriptedRecogniser(), ScriptedDetector())
    assert counts.said == 2
    assert counts.invented == 0
