"""The vendor's families of models, by what their turns look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["UNIVERSAL_3", "UNIVERSAL_STREAMING", "ModelFamily", "family_of"]


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """The behaviour that all models of one kind share.

    Attributes:
        name: For people.
        min_silence_ms: Default silence that ends a turn which seems complete.
        max_silence_ms: Default silence that ends any turn.
        replaces_text: Whether each message restates the turn; if not, it adds words that stay.
        reports_speech_start: Whether the server sends SpeechStarted.
    """

    name: str
    min_silence_ms: int
    max_silence_ms: int
    replaces_text: bool = False
    reports_speech_start: bool = False


UNIVERSAL_STREAMING: Final = ModelFamily("Universal-Streaming", 400, 1_280)
UNIVERSAL_3: Final = ModelFamily("Universal-3", 128, 1_280, replaces_text=True, reports_speech_start=True)
_FAMILIES: Final = {
    "universal-streaming-": UNIVERSAL_STREAMING,
    "whisper-": UNIVERSAL_STREAMING,
    "moonshine-": UNIVERSAL_STREAMING,
    "universal-3": UNIVERSAL_3,
    "u3-": UNIVERSAL_3,
    "assemblyai-stt-": UNIVERSAL_3,
}
"""The family of each model name, by its prefix: the vendor names a new model every few months."""


def family_of(model: str) -> ModelFamily | None:
    """Return the family of a model name; None if it is unknown."""
    return next((family for prefix, family in _FAMILIES.items() if model.startswith(prefix)), None)
