"""Replaces the library's process in tests: streams that follow a script. Tests run it as a program."""

from __future__ import annotations

import sys
import threading
import time
from types import SimpleNamespace

import msgspec

from vivavoce.bench import moonshine_library
from vivavoce.bench.moonshine_library import Ready, serve


class SessionClock(threading.local):
    """Replaces ``time``: each thread has a clock that moves only while the thread sleeps."""

    def __init__(self):
        self._now_s = time.monotonic()

    def monotonic(self):
        return self._now_s

    def sleep(self, seconds):
        self._now_s += seconds


class ScriptedStream:
    """Sends "the" after 0.2 s of audio and "The black cat." after 0.4 s, each in two events."""

    def __init__(self, *, fail_after_s=None):
        self.listeners = []
        self.received_s = 0.0
        self.chunks = []
        self.closed = False
        self.fail_after_s = fail_after_s
        self._waiting = [(0.2, "the", False), (0.4, "The black cat.", True)]

    def add_listener(self, listener):
        self.listeners.append(listener)

    def start(self):
        pass

    def add_audio(self, audio_data, sample_rate):
        self.chunks.append(audio_data)
        self.received_s += len(audio_data) / sample_rate
        if self.fail_after_s is not None and self.received_s > self.fail_after_s:
            raise RuntimeError("boom")
        while self._waiting and self.received_s >= self._waiting[0][0] - 1e-6:
            _, text, complete = self._waiting.pop(0)
            line = SimpleNamespace(line_id=77, text=text, is_complete=complete)
            for _ in ("text changed", "updated or completed"):
                for listener in self.listeners:
                    listener(SimpleNamespace(line=line))

    def stop(self):
        pass

    def close(self):
        self.closed = True


def main():
    if "--broken" in sys.argv:
        sys.exit("no such model")
    if "--fails" in sys.argv:
        streams = lambda number: ScriptedStream(fail_after_s=0.1)  # noqa: E731
    else:
        streams = lambda number: ScriptedStream()  # noqa: E731
    if "--real-time" not in sys.argv:
        moonshine_library.time = SessionClock()
    sys.stdout.buffer.write(msgspec.json.encode(Ready("9.9")) + b"\n")
    sys.stdout.buffer.flush()
    if "--dies" in sys.argv:
        sys.stdin.readline()
        sys.exit(1)
    serve(streams, sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
