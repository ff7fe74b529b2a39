"""The parameters of v3: what a handshake can ask for and what ``UpdateConfiguration`` can change.

The server reads them, the SDK checks them, and the documentation lists them by this one table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vivavoce.protocol.aai_v3.choices import (
    NoiseSuppressionModel,
    StreamEncoding,
    StreamingDomain,
    StreamingMode,
    StreamingPiiSubstitution,
)
from vivavoce.protocol.parameters import choice, flag, fraction, mapping, strings, text, whole
from vivavoce.protocol.query import SAMPLE_RATES_HZ
from vivavoce.protocol.rooms import ROOM_PARAMETERS
from vivavoce.types import Failure, PiiPolicy, SpeechTask

if TYPE_CHECKING:
    from vivavoce.protocol.parameters import Parameter

__all__ = [
    "DEFAULT_END_OF_TURN_THRESHOLD",
    "DEFAULT_MODEL",
    "DEFAULT_SAMPLE_RATE_HZ",
    "PARAMETERS",
    "UPDATE_PARAMETERS",
]

DEFAULT_MODEL: Final = "universal-streaming-english"
DEFAULT_SAMPLE_RATE_HZ: Final = 16_000
DEFAULT_END_OF_TURN_THRESHOLD: Final = 0.4
_MAX_SILENCE_MS: Final = 60_000
_MAX_PROMPT_CHARACTERS: Final = 1_750
_DAY_MS: Final = 24 * 3_600_000
_NOTHING: Final = "Accepted without effect; a Warning says so."
_UNKNOWN_LANGUAGE: Final = (
    "A server with several models chooses one that knows it. A language that none knows is accepted without "
    "effect; a Warning says so."
)
_NO_SPEAKERS: Final = "the server does not tell speakers apart"
_IF_SPEAKERS: Final = "On a server without a voice encoder it has no effect; a Warning says so."
_NO_CONTEXT: Final = "the model takes no context"
_NO_FOCUS: Final = "the audio is transcribed as it comes"

PARAMETERS: Final[dict[str, Parameter]] = {
    "speech_model": text(
        "The vendor's model names are aliases. With the Universal-Streaming names the server commits words "
        "one by one; with names that begin with universal-3, u3- or assemblyai-stt- it restates formatted "
        "turns. A name of vivavoce models list is taken where the server serves that model. An unknown name "
        "is accepted with a Warning.",
        default=DEFAULT_MODEL,
    ),
    "sample_rate": whole(
        "The sample rate of the audio, in Hz.",
        SAMPLE_RATES_HZ.start,
        SAMPLE_RATES_HZ.stop - 1,
        default=DEFAULT_SAMPLE_RATE_HZ,
        failure=Failure.BAD_SAMPLE_RATE,
    ),
    "encoding": choice(
        "The encoding of the audio; compressed audio needs the audio extra on the server.",
        StreamEncoding,
        default="pcm_s16le",
        failure=Failure.BAD_ENCODING,
    ),
    "channels": whole(
        "Ours: the number of interleaved channels; each has its own turns. Two channels need raw samples.",
        1,
        2,
        default=1,
    ),
    "recording": flag(
        "Ours: whether the audio is a recording. The server then takes it as fast as it can transcribe it, "
        "while live sessions go first, and says so in Begin.",
        default=False,
    ),
    "task": choice(
        "Ours: translate writes English, whatever is spoken; the text is then formatted, masked and redacted "
        "as English. No word is final before its turn ends. With a model that can't translate it is accepted "
        "without effect; a Warning says so.",
        SpeechTask,
        default="transcribe",
    ),
    "token": text("A temporary token, instead of the Authorization header."),
    "format_turns": flag(
        "Whether turns have case, punctuation and figures. Its first name, formatted_finals, still works.",
        default=False,
        can_change=True,
        aliases=("formatted_finals",),
    ),
    "end_of_turn_confidence_threshold": fraction(
        "The confidence from which the short silence ends a turn.",
        default=DEFAULT_END_OF_TURN_THRESHOLD,
        can_change=True,
    ),
    "min_turn_silence": whole(
        "The silence that ends a turn which seems complete, in ms.", 0, _MAX_SILENCE_MS, can_change=True
    ),
    "min_end_of_turn_silence_when_confident": whole(
        "The old name of min_turn_silence.",
        0,
        _MAX_SILENCE_MS,
        can_change=True,
        replaced_by="min_turn_silence",
    ),
    "max_turn_silence": whole(
        "The silence that ends any turn, in ms.", 0, _MAX_SILENCE_MS, default=1_280, can_change=True
    ),
    "mode": choice("Sets both silences and interruption_delay.", StreamingMode, can_change=True),
    "vad_threshold": fraction(
        "The speech probability from which a frame counts as speech.", default=0.5, can_change=True
    ),
    "partials_ms": whole(
        "Ours: the audio between two partials of a turn, in ms; a hint.", 160, 10_000, can_change=True
    ),
    "continuous_partials": flag("False: a partial every 3 s.", can_change=True),
    "interruption_delay": whole(
        "The speech before the first partial, in ms, less 256.", 0, 1_000, can_change=True
    ),
    "include_partial_turns": flag("Whether the server sends unfinished turns.", default=True),
    "inactivity_timeout": whole("The time without messages after which the server closes, in s.", 5, 3_600),
    "session_heartbeat": flag("Whether the server sends Heartbeat messages.", default=False, can_change=True),
    "acknowledge_silence": flag("Whether the server sends Silence messages.", default=False, can_change=True),
    "filter_profanity": flag("Whether profanity is masked.", default=False, can_change=True),
    "redact_pii": flag("Whether personal data is removed from finished turns.", default=False),
    "redact_pii_policies": strings(
        "The kinds of data to remove: a JSON list, or names with commas. All others are refused: "
        + ", ".join(policy.value for policy in PiiPolicy),
        commas=True,
    ),
    "redact_pii_sub": choice("The replacement for removed data.", StreamingPiiSubstitution, default="hash"),
    **ROOM_PARAMETERS,
    "webhook_url": text("Where the server posts the finished turns after the session; http or https."),
    "webhook_auth_header_name": text("The name of a header to send along."),
    "webhook_auth_header_value": text("The value of that header."),
    "keyterms_prompt": strings(
        "At most 100 words and phrases to expect, of at most 50 characters each: a JSON list, or text with "
        "commas. A Warning lists those that an English model can't write.",
        commas=True,
        max_items=100,
        max_length=50,
        can_change=True,
    ),
    "prompt": text(
        "Text that came before the first word, for a model that takes one (Whisper): names and terms in "
        "sentences, written as the transcript should be. The last part of a long one counts. A change "
        "applies from the next utterance on. With another model it is accepted without effect; a Warning "
        "says so.",
        max_length=_MAX_PROMPT_CHARACTERS,
        can_change=True,
    ),
    "agent_context": text(
        _NOTHING, max_length=_MAX_PROMPT_CHARACTERS, can_change=True, no_effect=_NO_CONTEXT
    ),
    "previous_context_n_turns": whole(_NOTHING, 0, 100, no_effect=_NO_CONTEXT),
    "language_detection": flag(
        "Whether turns say which language was heard. With a model of one language it has no effect; a "
        "Warning says so."
    ),
    "language_codes": strings(
        f"At most ten languages: a JSON list, or text with commas. {_UNKNOWN_LANGUAGE}",
        commas=True,
        max_items=10,
        can_change=True,
    ),
    "language_code": text(f"The old way to set one language. {_UNKNOWN_LANGUAGE}"),
    "language": text(f"The oldest way to set one language. {_UNKNOWN_LANGUAGE}"),
    "speaker_labels": flag(
        "Whether finished turns and their words say who speaks: A, B and so on, or PENDING where a turn is "
        f"too short to tell. {_IF_SPEAKERS}",
        no_effect=_NO_SPEAKERS,
    ),
    "max_speakers": whole("The greatest number of speakers.", 1, 10, no_effect=_NO_SPEAKERS),
    "speaker_labels_revision_interval_ms": whole(
        "Audio between two revisions of the speakers, in ms, at least 120000; 0: one revision, at the end.",
        0,
        _DAY_MS,
        no_effect=_NO_SPEAKERS,
    ),
    "domain": choice(_NOTHING, StreamingDomain, no_effect="one model serves all domains"),
    "voice_focus": choice(_NOTHING, NoiseSuppressionModel, no_effect=_NO_FOCUS),
    "voice_focus_threshold": fraction(f"Needs voice_focus. {_NOTHING}", no_effect=_NO_FOCUS),
    "noise_suppression_model": choice(
        f"The old name of voice_focus. {_NOTHING}",
        NoiseSuppressionModel,
        replaced_by="voice_focus",
        no_effect=_NO_FOCUS,
    ),
    "noise_suppression_threshold": fraction(
        f"The old name of voice_focus_threshold; needs noise_suppression_model. {_NOTHING}",
        replaced_by="voice_focus_threshold",
        no_effect=_NO_FOCUS,
    ),
    "turn_left_pad_ms": whole(
        _NOTHING, 0, _MAX_SILENCE_MS, can_change=True, no_effect="turns begin where speech is detected"
    ),
    "max_turn_duration": whole(
        _NOTHING, 0, _DAY_MS, no_effect="the server ends a turn after 40 s at the latest"
    ),
    "customer_support_audio_capture": flag(_NOTHING, no_effect="the server never stores audio"),
    "llm_gateway": mapping(_NOTHING, no_effect="the server asks no language model"),
}
"""Every parameter of the handshake, by its name."""

UPDATE_PARAMETERS: Final = {name: each for name, each in PARAMETERS.items() if each.can_change}
"""The fields of ``UpdateConfiguration``."""
