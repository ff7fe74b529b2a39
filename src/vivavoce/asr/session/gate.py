"""The rules of a protocol about audio: length of a chunk, and speed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.errors import ProtocolViolation
from vivavoce.types import Failure

if TYPE_CHECKING:
    from vivavoce.asr.audio import Intake
    from vivavoce.protocol.events import SessionLimits

__all__ = ["AudioGate"]

_TOLERANCE_MS: Final = 0.15  # int(rate * 0.1) frames are a sample short of 100 ms at odd rates


class AudioGate:
    """Checks each chunk before the session takes it."""

    def __init__(self, limits: SessionLimits) -> None:
        self._limits = limits
        self._short_ms: float | None = None  # duration of a chunk that was too short
        self._began: float | None = None  # wall time of the first chunk

    def check(self, n_samples: int, intake: Intake, now: float) -> None:
        """Refuse a chunk that breaks a rule.

        A chunk that is too short breaks a rule only once more audio follows, because it may be the end of a
        recording. Chunks of compressed audio may have any length.

        Args:
            n_samples: Decoded samples of the chunk.
            intake: The intake that would take them.
            now: Wall time, in seconds.

        Raises:
            ProtocolViolation: The chunk breaks a rule.
        """
        limits = self._limits
        duration_ms = intake.duration_ms(n_samples)
        if not intake.is_compressed:
            self._check_length(duration_ms)
        if self._began is None:
            self._began = now
        if limits.max_lead_s is not None:
            received_s = (intake.received_ms + duration_ms) / 1000
            elapsed_s = now - self._began
            if received_s - elapsed_s > limits.max_lead_s:
                raise ProtocolViolation(
                    Failure.AUDIO_TOO_FAST, f"Received {received_s:.1f} sec. audio in {elapsed_s:.1f} sec"
                )

    def _check_length(self, duration_ms: float) -> None:
        limits = self._limits
        expected = f"Expected between {limits.min_chunk_ms:g} and {limits.max_chunk_ms:g} ms"
        if self._short_ms is not None:
            raise ProtocolViolation(Failure.AUDIO_TOO_SHORT, f"{self._short_ms:.1f} ms. {expected}")
        if duration_ms > limits.max_chunk_ms + _TOLERANCE_MS:
            raise ProtocolViolation(Failure.AUDIO_TOO_LONG, f"{duration_ms:.1f} ms. {expected}")
        shortest_ms = limits.min_chunk_ms if limits.accepted_chunk_ms is None else limits.accepted_chunk_ms
        if duration_ms < shortest_ms - _TOLERANCE_MS:
            self._short_ms = duration_ms
