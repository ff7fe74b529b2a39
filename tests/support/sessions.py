"""Driving a session by hand: no event loop, no threads, no clock."""

from __future__ import annotations

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm
from vivavoce.asr.session import SessionMachine, Tuning
from vivavoce.protocol.events import Audio, SessionLimits, SessionOptions, Terminate, TurnUpdated

LIMITS = SessionLimits(
    min_chunk_ms=0, max_chunk_ms=60_000, max_lead_s=None, idle_s=None, max_session_s=10_800
)


class Driver:
    """A session with a scripted engine; each step of either is taken when the test says so."""

    def __init__(self, *, limits=LIMITS, recogniser=None, tuning=None, cadence_ms=None, **options):
        options = {"sample_rate": 16_000, **options}
        self.tuning = tuning or Tuning()
        self.session = SessionMachine(
            "id", SessionOptions(**options), limits, now=0.0, unix_now=1_000.0, tuning=self.tuning
        )
        self.cadence_ms = cadence_ms
        self.detector = ScriptedDetector()
        self.recogniser = recogniser or ScriptedRecogniser()
        self.state = self.detector.initial_state()
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

    def detect(self, limit=64):
        frames = self.session.take_frames(limit, cadence_ms=self.cadence_ms)
        if frames is None:
            return False
        [(self.state, probabilities)] = self.detector.detect([(self.state, frames)])
        self.session.apply_probabilities(probabilities)
        self._collect()
        return True

    def decode(self):
        request = self.session.next_pass(self.cadence_ms)
        if request is None:
            return False
        span = self.session.begin_pass(request)
        assert len(span.samples) == request.n_samples
        assert span.zeros == (self.tuning.settle_zeros_ms * 16 if request.is_whole else 0)
        self.session.apply_hypothesis(request, self.recogniser.recognise([span])[0])
        self._collect()
        return True

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
