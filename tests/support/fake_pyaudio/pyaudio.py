"""A PyAudio whose microphone plays the WAV file that VIVAVOCE_FAKE_MIC names, in real time.

When the recording is over, reading raises KeyboardInterrupt, as Ctrl-C would. For the vendor's SDK in a
subprocess, with this folder on PYTHONPATH.
"""

from __future__ import annotations

import os
import time
import wave

paInt16 = 8  # noqa: N816  - PyAudio's own name


class _Stream:
    def __init__(self, rate: int) -> None:
        self._file = wave.open(os.environ["VIVAVOCE_FAKE_MIC"], "rb")  # noqa: SIM115  - closed by close()
        assert self._file.getframerate() == rate, (
            f"the recording has {self._file.getframerate()} Hz, not {rate}"
        )
        assert (self._file.getnchannels(), self._file.getsampwidth()) == (1, 2)
        self._rate = rate
        self._frames = 0
        self._began = time.monotonic()

    def read(self, num_frames: int, exception_on_overflow: bool = True) -> bytes:
        sound = self._file.readframes(num_frames)
        if not sound:
            raise KeyboardInterrupt
        self._frames += len(sound) // 2
        time.sleep(max(0.0, self._began + self._frames / self._rate - time.monotonic()))
        return sound

    def stop_stream(self) -> None:
        pass

    def close(self) -> None:
        self._file.close()


class PyAudio:
    def open(self, *, rate: int, channels: int, format: int, input: bool, **_: object) -> _Stream:  # noqa: A002
        assert (channels, format, input) == (1, paInt16, True)
        return _Stream(rate)

    def terminate(self) -> None:
        pass
