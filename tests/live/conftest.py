"""Fixtures: a server with the real model, and real audio."""

import wave

import numpy as np
import pytest
import soxr

from vivavoce.asr.models.onnx.packages import package_file
from vivavoce.server import LocalServer

MODEL_PACKAGE = "moonshine_voice"


def pytest_collection_modifyitems(items):
    for item in items:
        if "/live/" in str(item.path).replace("\\", "/"):
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def server():
    with LocalServer() as local_server:
        local_server.wait_ready()
        yield local_server


@pytest.fixture(scope="session")
def two_cities():
    """The recording in the model's package: mono samples, float32, and the sample rate in Hz."""
    path = package_file(MODEL_PACKAGE, "assets/two_cities.wav", install="vivavoce[server]")
    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.astype(np.float32) / 32768, file.getframerate()


def written(samples, rate, path):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="session")
def recording(two_cities, tmp_path_factory):
    """The first 17 s of the recording as a WAV file at 44.1 kHz, the rate of the tutorial's microphone."""
    samples, rate = two_cities
    resampled = soxr.resample(samples[: 17 * rate], rate, 44_100)
    return written(resampled, 44_100, tmp_path_factory.mktemp("audio") / "two_cities.wav")


@pytest.fixture(scope="session")
def recording_of_the_model(two_cities, tmp_path_factory):
    """The first 17 s of the recording as a WAV file at 16 kHz, the rate of the model."""
    samples, rate = two_cities
    resampled = soxr.resample(samples[: 17 * rate], rate, 16_000)
    return written(resampled, 16_000, tmp_path_factory.mktemp("audio") / "two_cities_16k.wav")
