"""Driving a session by hand: no event loop, no threads, no clock."""

from __future__ import annotations

import numpy as np

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm
from vivavoce.asr.engine import Pump
from vivavoce.asr.session import SessionMachine, Tuning
from vivavoce.protocol.events import Audio, SessionLimits, SessionOptions, Terminate, TurnUpdated

LIMITS = SessionLimits(
    min_chunk_ms=0, max_chunk_ms=60_000, max_lead_s=None, idle_s=None, max_session_s=10_800
)


def plain(text):
    """A text in lower case, letters and spaces only."""
    return "".join(it for it in text.lower() if it.isalpha() or it == " ")


class Driver:
    """A session with a scripted engine; each step of either is taken when the test says so."""

    def __init__(
        self, *, limits=LIMITS, recogniser=None, detector=None, tuning=None, cadence_ms=None, **options
    ):
        options = {"sample_rate": 16_000, **options}
        self.tuning = tuning or Tuning()
        self.session = SessionMachine(
            "id", SessionOptions(**options), limits, now=0.0, unix_now=1_000.0, tuning=self.tuning
        )
        self.recogniser = recogniser or ScriptedRecogniser()
        detector = detector or ScriptedDetector()
        self.pump = Pump(self.session, self.recogniser, detector, cadence_ms=cadence_ms)
        self.now = 0.0
        self.events = []

    def command(self, command):
        self.session.receive(command, self.now)
        self._collect()

    def say(self, samples, chunk=1_600, *, serve=True):
        data = pcm(samples)
        for at in range(0, len(data), 2 * chunk):
            self.command(Audio(data[at : at + 2 * chunk]))
            self.now += chunk / 16_000
            if serve:
                self.serve()

    def stream(self, samples, chunk=1_600, *, serve_every=1):
        """Send real audio, float32, in chunks of so many samples; serve after every so many of them."""
        data = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        for turn, at in enumerate(range(0, len(data), 2 * chunk)):
            self.command(Audio(data[at : at + 2 * chunk]))
            if turn % serve_every == 0:
                self.serve()
        return self.end()

    def detect(self, limit=64):
        detected = self.pump.detect(limit)
        self._collect()
        return detected

    def decode(self):
        decoded = self.pump.decode()
        self._collect()
        return decoded

    def serve(self):
        while self.detect() or self.decode():
            pass

    def end(self):
        self.command(Terminate())
        self.serve()
        return self

    def _collect(self):
        self.events += self.session.take_events()

    @property
    def updates(self):
        return [event for event in self.events if isinstance(event, TurnUpdated)]

    @property
    def finals(self):
        return [event for event in self.updates if event.ended]

    @property
    def texts(self):
        return [event.text for event in self.finals]
