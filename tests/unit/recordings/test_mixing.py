"""Channels become one, and none cancels another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.recordings.mixing import Mixer, channel_weights

RATE = 16_000
BLOCK = 1_600
TONE = (np.sin(np.arange(RATE) * 0.3) * 9_000).astype(np.int16)
OTHER = (np.sin(np.arange(RATE) * 0.17 + 1) * 7_000).astype(np.int16)
SILENCE = np.zeros(RATE, np.int16)


def mix(*channels, weights=None, block=BLOCK):
    """Mix in blocks; returns the samples."""
    frames = np.stack(channels, axis=1)
    mixer = Mixer(len(channels), RATE, weights)
    pieces = [mixer.mix(frames[at : at + block].tobytes()) for at in range(0, len(frames), block)]
    return np.frombuffer(b"".join(pieces), "<i2").astype(int)


def loss_db(mixed, of):
    """How much quieter the mix is."""
    return 20 * np.log10(
        np.sqrt((of.astype(float) ** 2).mean()) / max(1e-9, np.sqrt((mixed.astype(float) ** 2).mean()))
    )


def test_channels_in_opposite_phase_are_as_one_channel():
    assert np.abs(mix(TONE, -TONE) - TONE).max() <= 1


@pytest.mark.parametrize("gain", [-0.5, -0.8, -1.2])
def test_a_quieter_channel_in_opposite_phase_takes_nothing_away(gain):
    assert loss_db(mix(TONE, (TONE * gain).astype(np.int16)), TONE) < 3


def test_noise_beside_the_opposite_phase_does_not_hide_it():
    noise = np.random.default_rng(1).normal(0, 900, (2, RATE)).astype(np.int16)
    assert loss_db(mix(TONE + noise[0], -TONE + noise[1]), TONE) < 1


def test_the_phase_may_change_within_a_recording():
    second = np.concatenate([TONE[: RATE // 2], -TONE[RATE // 2 :]])
    mixed = mix(TONE, second)
    assert np.abs(mixed[: RATE // 2] - TONE[: RATE // 2]).max() <= 1
    assert np.abs(mixed[RATE // 2 + 100 :] - TONE[RATE // 2 + 100 :]).max() <= 1


@pytest.mark.parametrize("channels", [(TONE, SILENCE), (SILENCE, TONE), (SILENCE, SILENCE, TONE, SILENCE)])
def test_silent_channels_do_not_make_the_others_quieter(channels):
    assert np.array_equal(mix(*channels), TONE)


def test_opposite_channels_beside_a_silent_one():
    assert loss_db(mix(SILENCE, TONE, -TONE), TONE) < 0.1


@pytest.mark.parametrize("second", [TONE, OTHER])
def test_other_channels_are_averaged(second):
    assert np.array_equal(mix(TONE, second), (TONE.astype(int) + second) // 2)


def test_two_speakers_on_two_channels_are_both_there():
    first, second = np.concatenate([TONE, SILENCE]), np.concatenate([SILENCE, TONE])
    mixed = mix(first, second)
    assert loss_db(mixed[:RATE], TONE) < 0.1  # the second channel was silent so far
    assert loss_db(mixed[RATE:], TONE) < 6.1


def test_a_gain_changes_without_a_click():
    steps = np.abs(
        np.diff(mix(np.full(RATE, 8_000, np.int16), np.concatenate([SILENCE[:3_200], TONE[3_200:]])))
    )
    assert steps.max() < 3_000


def test_the_loudest_samples_do_not_overflow():
    loud = np.where(np.arange(RATE) % 7 < 3, -32_768, 32_767).astype(np.int16)
    assert np.abs(mix(loud, ~loud)).max() <= 32_768
    assert np.abs(mix(SILENCE, ~loud, loud, OTHER)).max() <= 32_768


@given(st.lists(st.integers(-32_768, 32_767), max_size=50), st.integers(1, 5))
def test_one_channel_and_equal_ones_stay_as_they_are(values, channels):
    samples = np.array(values, np.int16)
    assert np.array_equal(mix(*[samples] * channels), samples)


@given(st.integers(2, 6), st.integers(0, 9))
def test_no_channel_drowns(channels, seed):
    """Whatever the signs: the mix of one voice is about as loud as the voice."""
    signs = np.random.default_rng(seed).choice([-1, 1], channels)
    assert loss_db(mix(*[(TONE * sign).astype(np.int16) for sign in signs]), TONE) < 1


def test_the_speech_of_a_film_is_in_the_centre():
    names = ["FL", "FR", "FC", "LFE", "BL", "BR"]
    weights = channel_weights(names)
    assert max(zip(weights, names, strict=True))[1] == "FC"
    assert min(zip(weights, names, strict=True))[1] == "LFE"
    assert channel_weights(["FL", "FR"]) is channel_weights(["NONE"] * 6) is None
    assert np.abs(mix(*[TONE] * 6, weights=weights) - TONE).max() <= 1
    assert loss_db(mix(SILENCE, SILENCE, SILENCE, TONE, SILENCE, SILENCE, weights=weights), TONE) < 0.1
