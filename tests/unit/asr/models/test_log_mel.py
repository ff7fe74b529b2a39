"""Log-mel features."""

import math

import numpy as np
import pytest

from support.voices import RATE
from vivavoce.asr.models.log_mel import log_mel


def test_mel_features():
    silent = log_mel(np.zeros(RATE, np.float32))
    assert silent.shape == (80, 100)
    assert silent.dtype == np.float32
    assert np.allclose(silent, -1.5)  # (log10(1e-10) + 4) / 4
    t = np.arange(RATE) / RATE
    peaks = [int(log_mel(np.sin(2 * np.pi * hz * t))[:, 50].argmax()) for hz in (200, 1_000, 4_000)]
    # Slaney's scale: 15 mels at 1 kHz, 45.2 at 8 kHz, 82 edges: band k peaks at 45.2 (k + 1) / 81 mels.
    assert peaks == [
        pytest.approx(mels * 81 / 45.245 - 1, abs=0.6) for mels in (3, 15, 15 + 27 * math.log(4, 6.4))
    ]
    whole = log_mel(np.sin(2 * np.pi * 1_000 * t))
    assert whole.max() - whole.min() == pytest.approx(2)  # 8 powers of ten
