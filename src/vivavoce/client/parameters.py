"""What a program asks for when it opens a v3 session or changes it, under the vendor's names."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from vivavoce.arguments import sample_rate_hz
from vivavoce.client.choices import (
    NoiseSuppressionModel,
    SpeechModel,
    StreamEncoding,
    StreamingDomain,
    StreamingMode,
    StreamingPiiPolicy,
    StreamingPiiSubstitution,
)
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["LLMGatewayConfig", "LLMGatewayMessage", "RealTimeParameters", "RealTimeSessionParameters"]

logger = logging.getLogger("vivavoce.client")

_T = TypeVar("_T")
_E = TypeVar("_E", bound=enum.StrEnum)

_RENAMED: Final = {
    "min_end_of_turn_silence_when_confident": "min_turn_silence",
    "noise_suppression_model": "voice_focus",
    "noise_suppression_threshold": "voice_focus_threshold",
}
_LISTS: Final = ("keyterms_prompt", "language_codes", "redact_pii_policies")
_FRACTIONS: Final = (
    "end_of_turn_confidence_threshold",
    "vad_threshold",
    "voice_focus_threshold",
    "noise_suppression_threshold",
)
_COUNTS: Final = (
    "min_end_of_turn_silence_when_confident",
    "min_turn_silence",
    "max_turn_silence",
    "interruption_delay",
    "turn_left_pad_ms",
    "inactivity_timeout",
    "speaker_labels_revision_interval_ms",
    "max_speakers",
)


def _skips_unknown(cls: type[_T]) -> type[_T]:
    """Skip keywords that the class does not know, with a warning, as the vendor's models do."""
    made: Any = cls.__init__
    names = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]

    @functools.wraps(made)
    def init(self: _T, **given: Any) -> None:
        unknown = sorted(given.keys() - names)
        if unknown:
            logger.warning("%s does not know %s; skipped", cls.__name__, ", ".join(unknown))
        made(self, **{name: value for name, value in given.items() if name in names})

    cls.__init__ = init  # type: ignore[method-assign, assignment]
    return cls


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


class _Plain:
    def model_dump(self, *, exclude_none: bool = False) -> dict[str, Any]:
        """The fields as a dictionary."""
        fields: dict[str, Any] = _plain(self)
        return {name: value for name, value in fields.items() if value is not None or not exclude_none}


@dataclass(kw_only=True)
class LLMGatewayMessage(_Plain):
    """A message to a language model."""

    role: str
    content: str


@dataclass(kw_only=True)
class LLMGatewayConfig(_Plain):
    """What a language model is to do with every turn."""

    model: str
    messages: list[LLMGatewayMessage]
    max_tokens: int


@_skips_unknown
@dataclass(kw_only=True)
class RealTimeSessionParameters(_Plain):
    """What can be changed in mid-session; None leaves a thing as it is.

    Which of them a server heeds is for the server to say; docs/compatibility.md lists what ours does.

    Attributes:
        end_of_turn_confidence_threshold: How complete a turn has to sound to end early, 0 to 1.
        min_end_of_turn_silence_when_confident: The old name of ``min_turn_silence``.
        min_turn_silence: Silence that ends a turn which sounds complete, in milliseconds.
        max_turn_silence: Silence that ends any turn, in milliseconds.
        vad_threshold: Speech probability from which sound counts as speech, 0 to 1.
        format_turns: Whether text has capitals, punctuation and figures.
        keyterms_prompt: Words and names to expect.
        filter_profanity: Whether to mask swear words.
        prompt: What the model is told beforehand.
        agent_context: What the other side of a conversation said last.
        interruption_delay: How soon a turn's first words are shown, in milliseconds.
        turn_left_pad_ms: Audio before a turn that is heard with it, in milliseconds.
        language_codes: Languages to expect.
        session_heartbeat: Whether heartbeats are wanted.
        acknowledge_silence: Whether to be told of silence.

    Raises:
        ConfigurationError: A value can't be used.
    """

    end_of_turn_confidence_threshold: float | None = None
    min_end_of_turn_silence_when_confident: int | None = None
    min_turn_silence: int | None = None
    max_turn_silence: int | None = None
    vad_threshold: float | None = None
    format_turns: bool | None = None
    keyterms_prompt: list[str] | None = None
    filter_profanity: bool | None = None
    prompt: str | None = None
    agent_context: str | None = None
    interruption_delay: int | None = None
    turn_left_pad_ms: int | None = None
    language_codes: list[str] | None = None
    session_heartbeat: bool | None = None
    acknowledge_silence: bool | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is None:
                continue
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if name in _FRACTIONS and not (is_number and 0.0 <= value <= 1.0):
                raise ConfigurationError(f"{name} must be a number in 0..1, got {value!r}")
            if name in _COUNTS and not (is_number and isinstance(value, int) and value >= 0):
                raise ConfigurationError(f"{name} must be a whole number, 0 or more, got {value!r}")
            if name in _LISTS and (isinstance(value, str) or not isinstance(value, list | tuple)):
                raise ConfigurationError(f"{name} must be a list, got {value!r}")

    def to_wire(self) -> dict[str, Any]:
        """What is set, as JSON values under the protocol's present names."""
        fields = self.model_dump(exclude_none=True)
        for old, new in _RENAMED.items():
            if old in fields:
                logger.warning("%s is an old name of %s", old, new)
                fields.setdefault(new, fields[old])
                del fields[old]
        return fields


@_skips_unknown
@dataclass(kw_only=True)
class RealTimeParameters(RealTimeSessionParameters):
    """What a session is opened with.

    Attributes:
        sample_rate: Rate of the audio, in Hz; needed for PCM.
        encoding: How the audio is written; ``pcm_s16le`` if None.
        speech_model: Which model to use. A name that is not one of the vendor's is passed on.
        language_code: The old way to name one language.
        language_detection: Whether to be told the language.
        domain: What the talk is about.
        inactivity_timeout: After how long without audio the server ends the session, in seconds.
        webhook_url: Where the server posts the finished turns.
        webhook_auth_header_name: Header for that.
        webhook_auth_header_value: Its value.
        llm_gateway: What a language model is to do with every turn.
        speaker_labels: Whether to be told who speaks.
        speaker_labels_revision_interval_ms: How often that is thought over, in milliseconds of audio.
        max_speakers: How many there are at most.
        voice_focus: Which noise to suppress.
        voice_focus_threshold: How much of it, 0 to 1.
        noise_suppression_model: The old name of ``voice_focus``.
        noise_suppression_threshold: The old name of ``voice_focus_threshold``.
        continuous_partials: Whether unfinished turns are shown more often.
        customer_support_audio_capture: Whether the vendor may record the session.
        include_partial_turns: Whether unfinished turns are wanted at all.
        redact_pii: Whether to take personal data out of finished turns.
        redact_pii_policies: Which kinds of it.
        redact_pii_sub: What to put in its place.
        mode: Whether to answer sooner or better.

    Raises:
        ConfigurationError: A value can't be used.
    """

    sample_rate: int | None = None
    encoding: StreamEncoding | str | None = None
    speech_model: SpeechModel | str | None = None
    language_code: str | None = None
    language_detection: bool | None = None
    domain: StreamingDomain | str | None = None
    inactivity_timeout: int | None = None
    webhook_url: str | None = None
    webhook_auth_header_name: str | None = None
    webhook_auth_header_value: str | None = None
    llm_gateway: LLMGatewayConfig | Mapping[str, Any] | None = None
    speaker_labels: bool | None = None
    speaker_labels_revision_interval_ms: int | None = None
    max_speakers: int | None = None
    voice_focus: NoiseSuppressionModel | str | None = None
    voice_focus_threshold: float | None = None
    noise_suppression_model: NoiseSuppressionModel | str | None = None
    noise_suppression_threshold: float | None = None
    continuous_partials: bool | None = None
    customer_support_audio_capture: bool | None = None
    include_partial_turns: bool | None = None
    redact_pii: bool | None = None
    redact_pii_policies: Sequence[StreamingPiiPolicy | str] | None = None
    redact_pii_sub: StreamingPiiSubstitution | str | None = None
    mode: StreamingMode | str | None = None

    _CHOICES: ClassVar[dict[str, type[enum.StrEnum]]] = {
        "encoding": StreamEncoding,
        "domain": StreamingDomain,
        "voice_focus": NoiseSuppressionModel,
        "noise_suppression_model": NoiseSuppressionModel,
        "redact_pii_sub": StreamingPiiSubstitution,
        "mode": StreamingMode,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, choices in self._CHOICES.items():
            value = getattr(self, name)
            if value is not None:
                setattr(self, name, _choice(name, value, choices))
        if self.redact_pii_policies is not None:
            self.redact_pii_policies = [
                _choice("redact_pii_policies", policy, StreamingPiiPolicy)
                for policy in self.redact_pii_policies
            ]
        if self.sample_rate is not None:
            sample_rate_hz(self.sample_rate)
        elif self.audio_encoding.bytes_per_sample is not None:
            raise ConfigurationError(
                f"sample_rate is required for {self.audio_encoding}: how many samples a second has"
            )

    @property
    def audio_encoding(self) -> StreamEncoding:
        """How the audio is written."""
        return StreamEncoding(self.encoding or StreamEncoding.pcm_s16le)

    def to_query(self) -> list[tuple[str, str]]:
        """What is set, as the pairs of a query."""
        return [(name, _query_text(value)) for name, value in self.to_wire().items()]


def _choice(name: str, value: str, choices: type[_E]) -> _E:
    try:
        return choices(value)
    except ValueError:
        raise ConfigurationError(f"{name} must be one of {', '.join(choices)}, got {value!r}") from None


def _query_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, list | dict) else str(value)
