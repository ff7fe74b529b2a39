"""A recording cut into parts at the pauses of its speaker."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.bench.records import RefWord
from vivavoce.bench.sample import parts_of, sample_clips


@st.composite
def spoken(draw):
    words, at_s = [], 0.0
    for pause_s, length_s in draw(
        st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.3, 1.0]), st.floats(0.05, 2.0)), max_size=60)
    ):
        at_s += pause_s
        words.append(RefWord("word", at_s, at_s + length_s))
        at_s += length_s
    return words


@given(spoken(), st.floats(0.5, 10))
def test_every_word_is_in_one_part_and_cuts_are_pauses(words, least_s):
    parts = list(parts_of(words, least_s))
    assert [word for part in parts for word in part] == words
    assert all(parts)
    for one, other in pairwise(parts):
        assert other[0].start_s - one[-1].end_s >= 0.25
        assert one[-1].end_s - one[0].start_s >= least_s - 1e-9


def test_parts_hold_their_words_at_their_places(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    rate = 16_000
    samples = np.zeros(22 * rate, np.int16)
    words = [("one", 1.0, 2.0), ("two", 8.5, 9.5), ("three", 12.0, 13.0), ("four", 20.0, 21.0)]
    for number, (_, start_s, end_s) in enumerate(words, 1):
        samples[round(start_s * rate) : round(end_s * rate)] = 1000 * number
    soundfile.write(tmp_path / "all.wav", samples, rate)
    clips = sample_clips(tmp_path / "all.wav", words, tmp_path)
    assert [clip.text for clip in clips] == ["one two", "three four"]
    for clip, first in zip(clips, (1, 3), strict=True):
        cut, _ = soundfile.read(clip.audio, dtype="int16")
        assert len(cut) / rate == pytest.approx(clip.duration_s)
        for number, word in enumerate(clip.words, first):
            middle = round((word.start_s + word.end_s) / 2 * rate)
            assert cut[middle] == 1000 * number
