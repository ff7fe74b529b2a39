"""What is done for a GPU, with real weights and the CPU's provider: graphs of floats, and large batches."""

import numpy as np
import pytest
import soxr

from support.gpu_fakes import GPU
from support.sessions import Driver, plain
from vivavoce.asr.models import Span, load_detector, recognise
from vivavoce.asr.models.moonshine import MoonshineRecogniser

BEGINNING = "it was the best of times it was the worst of times it was the age of wisdom"


@pytest.fixture(scope="module")
def samples(two_cities):
    recorded, rate = two_cities
    return soxr.resample(recorded[: 24 * rate], rate, 16_000).astype(np.float32)


@pytest.fixture(scope="module")
def on_gpu():
    return MoonshineRecogniser(device=GPU)


def test_a_session_has_the_right_words(on_gpu, samples):
    driver = Driver(recogniser=on_gpu, detector=load_detector(), sample_rate=16_000)
    assert plain(" ".join(driver.stream(samples, 1_600).texts)).startswith(BEGINNING)


def test_a_large_batch_has_the_words_of_each_span_alone(on_gpu, samples):
    spans = [Span(samples[at : at + 64_000], exact=True) for at in range(0, 16 * 16_000, 16_000)]
    assert len(spans) == on_gpu.max_batch
    texts = [hypothesis.text for hypothesis in recognise(on_gpu, spans)]
    assert texts == [recognise(on_gpu, [span])[0].text for span in spans]
    assert len(set(texts)) > 8
