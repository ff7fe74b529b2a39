"""Real sound and the real model, on a server of our own."""

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
    with LocalServer() as it:
        it.wait_ready()
        yield it


@pytest.fixture(scope="session")
def two_cities():
    """The recording inside the model's package: mono samples, float32, and their rate in Hz."""
    path = package_file(MODEL_PACKAGE, "assets/two_cities.wav", install="vivavoce[server]")
    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.astype(np.float32) / 32768, file.getframerate()


@pytest.fixture(scope="session")
def recording(two_cities, tmp_path_factory):
    """Its first 17 seconds as a 44.1 kHz WAV file, as the tutorial's microphone has it."""
    samples, rate = two_cities
    sound = soxr.resample(samples[: 17 * rate], rate, 44_100)
    path = tmp_path_factory.mktemp("sound") / "two_cities.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return path
