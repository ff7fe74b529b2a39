"""A simulated microphone, in place of sounddevice and PortAudio."""

import sys
from pathlib import Path

import pytest

from support.recorded import RECORDED

__all__ = ["fake"]

FAKE = Path(__file__).with_name("fake_sounddevice")


@pytest.fixture
def fake(monkeypatch):
    """The simulated sounddevice; its microphones record ``RECORDED``."""
    monkeypatch.delenv("VIVAVOCE_FAKE_MIC", raising=False)
    monkeypatch.syspath_prepend(FAKE)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    import sounddevice

    assert Path(sounddevice.__file__).parent == FAKE
    sounddevice.recording = RECORDED
    yield sounddevice
    for stream in sounddevice.opened:
        stream.close()
    del sys.modules["sounddevice"]
