"""The parameters of a v2 handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.protocol.parameters import choice, flag, strings, text, whole
from vivavoce.protocol.query import SAMPLE_RATES_HZ
from vivavoce.protocol.rooms import ROOM_PARAMETERS
from vivavoce.types import Encoding, Failure, SpeechTask

if TYPE_CHECKING:
    from vivavoce.protocol.parameters import Parameter

__all__ = ["PARAMETERS"]

PARAMETERS: Final[dict[str, Parameter]] = {
    "sample_rate": whole(
        "The sample rate of the audio, in Hz.",
        SAMPLE_RATES_HZ.start,
        SAMPLE_RATES_HZ.stop - 1,
        is_required=True,
        failure=Failure.BAD_SAMPLE_RATE,
    ),
    "encoding": choice(
        "The encoding of the audio.", Encoding, default="pcm_s16le", failure=Failure.BAD_ENCODING
    ),
    "word_boost": strings(
        "A JSON list of words and phrases to expect, of at most 2500 characters altogether.",
        failure=Failure.BAD_WORD_BOOST,
    ),
    "token": text("A temporary token, instead of the Authorization header."),
    "disable_partial_transcripts": flag("Whether the server sends final transcripts only.", default=False),
    "enable_extra_session_information": flag(
        "Whether the server sends SessionInformation before the end.", default=False
    ),
    "format_text": flag("Ours: whether finals have case, and numbers as figures.", default=True),
    "punctuate": flag("Ours: whether finals have punctuation.", default=True),
    "filter_profanity": flag("Ours: whether profanity is masked.", default=False),
    "task": choice(
        "Ours: translate writes English, whatever is spoken. It is refused where no model can translate.",
        SpeechTask,
        default="transcribe",
    ),
    "speaker_labels": flag(
        "Ours: whether finals have speaker_label, and their words speaker. It is refused where the server "
        "has no voice encoder.",
        default=False,
    ),
    "max_speakers": whole("Ours: with speaker_labels, the greatest number of speakers.", 1, 10),
    **ROOM_PARAMETERS,
    "redact_pii": flag("True is refused: v3 can redact, v2 can't.", default=False),
}
"""Every parameter, by its name."""
