"""A transcriber and a microphone that the tests control, and the captions that they give."""

from __future__ import annotations

import queue
from typing import ClassVar

from vivavoce.client.events import TurnEvent, Word
from vivavoce.configuration import settings
from vivavoce.errors import MicrophoneError

SRT = "1\n00:00:00,000 --> 00:00:01,000\n250 milliseconds.\n\n"
VTT = "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n250 milliseconds.\n\n"


class FakeTranscript:
    confidence = 0.9
    words = ()
    audio_start = 0

    def __init__(self, text, audio_end):
        self.text, self.audio_end = text, audio_end


class FakeFinal(FakeTranscript):
    pass


class FakeTranscriber:
    """Transcribes any audio as its duration in milliseconds."""

    failure = None
    addresses: ClassVar = []

    def __init__(self, *, on_data, on_error, sample_rate, encoding, reconnect=None, on_reconnect=None):
        self.on_data, self.sample_rate = on_data, sample_rate
        self.width = 2 if encoding == "pcm_s16le" else 1
        self.samples = 0

    def connect(self, timeout=10.0):
        self.addresses.append(settings.base_url)
        if self.failure:
            raise self.failure

    def stream(self, data):
        for chunk in data:
            assert len(chunk) % self.width == 0
            self.samples += len(chunk) // self.width
            self.on_data(FakeTranscript(f"{self._ms()} so far", self._ms()))

    def close(self):
        self.on_data(FakeFinal(f"{self._ms()} milliseconds.", self._ms()))

    def _ms(self):
        return self.samples * 1000 // self.sample_rate


class FakeSession:
    """A session of v3 that transcribes any audio as its duration in milliseconds."""

    addresses: ClassVar = FakeTranscriber.addresses
    options: ClassVar = []
    began = None

    def __init__(self, *, sample_rate, encoding, **options):
        self.options.append(options)
        self.addresses.append(settings.base_url)
        if FakeTranscriber.failure:
            raise FakeTranscriber.failure
        self.sample_rate = sample_rate
        self.width = 2 if encoding == "pcm_s16le" else 1
        self.samples = 0
        self.turns = queue.SimpleQueue()

    def send(self, data):
        for chunk in data:
            assert len(chunk) % self.width == 0
            self.samples += len(chunk) // self.width
            self.turns.put(self._turn(f"{self._ms()} so far", ended=False))

    def close(self):
        self.turns.put(self._turn(f"{self._ms()} milliseconds.", ended=True))
        self.turns.put(None)

    def events(self):
        yield from iter(self.turns.get, None)

    def _turn(self, text, *, ended):
        words = [Word(text=text, start=0, end=250, confidence=0.9, word_is_final=ended)]
        return TurnEvent(turn_order=0, end_of_turn=ended, transcript=text if ended else "", words=words)

    def _ms(self):
        return self.samples * 1000 // self.sample_rate


class FakeMicrophone:
    chunks = (bytes(1600),) * 20
    opened: ClassVar = []
    closed = 0

    def __init__(self, *, sample_rate=44_100, device=None):
        if device == "none":
            raise MicrophoneError("no microphone matches 'none'")
        self.opened.append((sample_rate, device))
        self.sample_rate = sample_rate

    def __iter__(self):
        return iter(self.chunks)

    def close(self):
        type(self).closed += 1
