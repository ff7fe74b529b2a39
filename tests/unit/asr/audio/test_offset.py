"""A constant offset of the audio is removed, and all other audio is left as it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.voices import tone
from vivavoce.asr.audio.offset import OffsetRemover

RATE = 16_000


def noise(seconds, level, seed=0):
    return np.random.default_rng(seed).normal(0, level, round(RATE * seconds)).astype(np.float32)


def quiet_speech(level=0.005):
    """Half a second of noise, a second of voice, and noise again."""
    voiced = np.concatenate([tone(120, 0.6), tone(180, 0.4)])
    return np.concatenate(
        [
            noise(0.5, level / 20),
            (voiced * level / np.abs(voiced).max()).astype(np.float32),
            noise(0.5, level / 20),
        ]
    )


def removed(samples, chunk=1_600, rate=RATE):
    remover = OffsetRemover(rate)
    pieces = [remover.feed(samples[at : at + chunk]) for at in range(0, len(samples), chunk)]
    return np.concatenate([*pieces, remover.finish()])


@pytest.mark.parametrize("offset", [0.005, 0.03, -0.05, 0.2, -0.9])
@pytest.mark.parametrize("level", [0.003, 0.01])
def test_an_offset_is_removed_from_quiet_speech(offset, level):
    speech = quiet_speech(level)
    left = removed(speech + np.float32(offset)) - speech
    begins = 0 if abs(offset) >= 0.03 else RATE // 2 + 512
    assert np.abs(left[begins:]).max() < level / 3


@pytest.mark.parametrize("offset", [-0.2, 0.05])
def test_it_is_removed_where_speech_begins_with_the_first_sample(offset):
    speech = quiet_speech(0.01)[RATE // 2 :]
    assert np.abs(removed(speech + np.float32(offset)) - speech).max() < 0.005


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 96_000])
def test_it_is_removed_at_any_rate(rate):
    samples = np.full(rate, 0.1, np.float32)
    assert np.abs(removed(samples, rate=rate)).max() < 1e-6


def test_an_offset_that_comes_later_changes_or_goes_is_followed():
    speech = np.tile(quiet_speech(), 6)
    offsets = np.zeros(len(speech), np.float32)
    third = len(speech) // 3
    offsets[third : 2 * third] = 0.1
    left = np.abs(removed(speech + offsets) - speech)
    assert not left[:third].any()
    for start in (third, 2 * third):
        assert left[start + RATE : start + third].max() < 0.003
    slowly = np.linspace(0.05, 0.15, len(speech), dtype=np.float32)
    assert np.abs(removed(speech + slowly) - speech).max() < 0.015


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros(RATE, np.float32),
        np.full(100, 0.5, np.float32),
        noise(3, 0.3),
        quiet_speech(),
        quiet_speech(0.3),
        quiet_speech(0.3)[RATE // 2 :],
        (0.3 * np.sin(np.arange(3 * RATE) * 2 * np.pi * 3 / RATE)).astype(np.float32),  # rumble
        np.concatenate([np.zeros(RATE, np.float32), np.ones(50, np.float32)]),  # a click
    ],
)
def test_audio_without_an_offset_is_not_touched(samples):
    assert np.array_equal(removed(samples), samples)


@given(
    st.sampled_from([0.0, 0.01, 0.1, -0.3]),
    st.lists(st.integers(1, 20_000), min_size=1, max_size=6),
    st.integers(0, 3),
)
def test_it_does_not_depend_on_chunks(offset, sizes, seed):
    speech = np.concatenate([quiet_speech() + np.float32(offset), noise(0.4, 0.1, seed)])
    samples = np.round(speech * 32_768).astype(np.float32) / 32_768
    remover = OffsetRemover(RATE)
    pieces, at, turn = [], 0, 0
    while at < len(samples):
        size = sizes[turn % len(sizes)]
        pieces.append(remover.feed(samples[at : at + size]))
        at, turn = at + size, turn + 1
    assert np.array_equal(np.concatenate([*pieces, remover.finish()]), removed(samples, 10**6))
