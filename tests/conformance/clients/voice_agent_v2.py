"""A voice agent as the vendor's articles write it: a handler closes its session, answers and opens the next.

The microphone of a session is one part of the recording, then silence until the session is closed. The main
thread ends when the first session is closed; the program lives on in the handlers.
"""

import atexit
import importlib
import threading
import time
from pathlib import Path

from common import CONFIG, KEY, RATE, SDK, report, words

aai = importlib.import_module(SDK)
aai.settings.base_url = CONFIG["base_url"]
aai.settings.api_key = KEY
AUDIO = Path(CONFIG["audio"]).read_bytes()
CUT = CONFIG["control_at_bytes"]
PARTS = [AUDIO[:CUT], AUDIO[CUT:]]
THINKING_S = 2.0


class Microphone:
    def __init__(self, part):
        self._part = part
        self.stopped = threading.Event()

    def __iter__(self):
        size, spacing_s = CONFIG["chunk_bytes"], CONFIG["chunk_ms"] / 1000 / CONFIG["speed"]
        audio, at = PARTS[self._part], 0
        while not self.stopped.wait(spacing_s):
            yield audio[at : at + size].ljust(size, b"\0")
            at += size


class Agent:
    def __init__(self):
        self._part = -1
        self.transcriber = self.microphone = None

    def listen(self):
        self._part += 1
        self.microphone = Microphone(self._part)
        self.transcriber = aai.RealtimeTranscriber(
            sample_rate=RATE,
            on_data=self.on_data,
            on_error=lambda error: report("error", text=str(error)),
            on_open=lambda session: report("begin", id=str(session.session_id)),
            on_close=lambda: report("closed"),
            end_utterance_silence_threshold=1000,
        )
        self.transcriber.connect()
        self.transcriber.stream(self.microphone)

    def on_data(self, transcript):
        if not transcript.text:
            return
        is_final = isinstance(transcript, aai.RealtimeFinalTranscript)
        report(
            "turn",
            text=transcript.text,
            is_final=is_final,
            words=words(transcript.words),
            start=transcript.audio_start,
            end=transcript.audio_end,
        )
        if is_final and transcript.audio_end >= 1000 * CONFIG["speech_ends_s"][self._part] - 500:
            self.answer()

    def answer(self):
        self.microphone.stopped.set()
        self.transcriber.close()
        time.sleep(THINKING_S)
        if self._part + 1 < len(PARTS):
            self.listen()
        else:
            report("sent")


atexit.register(report, "done")
Agent().listen()
