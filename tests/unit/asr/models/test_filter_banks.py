"""Kaldi's filter banks, beside the same written out frame by frame."""

import numpy as np
import pytest

from vivavoce.asr.models.filter_banks import filter_banks, long_enough


def plain_filter_banks(samples, window="povey"):
    """One frame and one band after another, in float64."""

    def mel(hz):
        return 1127 * np.log(1 + hz / 700)

    edges = np.linspace(mel(20), mel(8_000), 82)
    n = np.arange(400)
    wave = np.cos(2 * np.pi * n / 399)
    window = (0.5 - 0.5 * wave) ** 0.85 if window == "povey" else 0.54 - 0.46 * wave
    rows = []
    for at in range(0, len(samples) - 399, 160):
        frame = samples[at : at + 400].astype(np.float64)
        frame -= frame.mean()
        frame -= 0.97 * np.concatenate([frame[:1], frame[:-1]])
        power = np.abs(np.fft.fft(np.pad(frame * window, (0, 112)))) ** 2
        row = []
        for low, middle, high in zip(edges, edges[1:], edges[2:], strict=False):
            total = 0.0
            for bin_ in range(1, 256):
                at_mel = mel(bin_ * 31.25)
                if low < at_mel <= middle:
                    total += power[bin_] * (at_mel - low) / (middle - low)
                elif middle < at_mel < high:
                    total += power[bin_] * (high - at_mel) / (high - middle)
            row.append(np.log(max(total, 1.1920928955078125e-07)))
        rows.append(row)
    return np.array(rows) - np.mean(rows, axis=0)


@pytest.mark.parametrize(("n", "scale", "offset"), [(400, 0.1, 0.0), (3_000, 0.1, 0.0), (2_000, 1e-5, 0.3)])
def test_it_is_the_reference(n, scale, offset):
    samples = (np.random.default_rng(n).normal(0, scale, n) + offset).astype(np.float32)
    found = filter_banks(samples)
    assert found.dtype == np.float32
    assert found.shape == ((n - 400) // 160 + 1, 80)
    np.testing.assert_allclose(found, plain_filter_banks(samples), atol=3e-3 if offset else 2e-4)


def test_the_window_can_be_that_of_hamming():
    samples = np.random.default_rng(0).normal(0, 0.1, 3_000).astype(np.float32)
    found = filter_banks(samples, "hamming")
    np.testing.assert_allclose(found, plain_filter_banks(samples, "hamming"), atol=2e-4)


def test_short_audio_is_repeated():
    assert np.array_equal(long_enough(np.arange(1_840)), np.arange(1_840))
    assert np.array_equal(long_enough(np.arange(1_000)), np.arange(1_840) % 1_000)
    assert not long_enough(np.zeros(0, np.float32)).any()


def test_silence_is_zero():
    assert not filter_banks(np.zeros(1_000, np.float32)).any()
