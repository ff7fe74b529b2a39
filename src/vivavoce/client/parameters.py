"""The parameters that open or change a v3 session, under the vendor's names.

:mod:`vivavoce.protocol.aai_v3.parameters` says which values are allowed.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar

from vivavoce.errors import ConfigurationError, ProtocolViolation
from vivavoce.protocol.aai_v3.choices import (
    NoiseSuppressionModel,
    SpeechModel,
    StreamEncoding,
    StreamingDomain,
    StreamingMode,
    StreamingPiiPolicy,
    StreamingPiiSubstitution,
)
from vivavoce.protocol.aai_v3.parameters import PARAMETERS
from vivavoce.protocol.parameters import Kind
from vivavoce.protocol.query import Fields
from vivavoce.types import SpeechTask  # noqa: TC001  - who reads the types of the fields needs it

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LLMGatewayConfig", "LLMGatewayMessage", "RealTimeParameters", "RealTimeSessionParameters"]

logger = logging.getLogger("vivavoce.client")

_T = TypeVar("_T")

_RENAMED: Final = {
    name: each.replaced_by for name, each in PARAMETERS.items() if each.replaced_by is not None
}


def _skips_unknown(cls: type[_T]) -> type[_T]:
    """Make a class skip unknown keywords, with a warning, as the vendor's models do."""
    original: Any = cls.__init__
    names = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]

    @functools.wraps(original)
    def init(self: _T, **given: Any) -> None:
        unknown = sorted(given.keys() - names)
        if unknown:
            logger.warning("%s does not know %s; skipped", cls.__name__, ", ".join(unknown))
        original(self, **{name: value for name, value in given.items() if name in names})

    cls.__init__ = init  # type: ignore[method-assign, assignment]
    return cls


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


_Fields: TypeAlias = dict[str, Any]  # ``dict`` is a method in the class


class _Dumpable:
    @classmethod
    def model_validate(cls, obj: object) -> Self:
        """Return an object made of a mapping of its fields.

        Raises:
            ConfigurationError: A field is missing or its value is not allowed.
        """
        if isinstance(obj, cls):
            return obj
        if not isinstance(obj, Mapping):
            raise ConfigurationError(f"{cls.__name__} must be made of a mapping, got {obj!r}")
        try:
            return cls(**obj)
        except TypeError as error:  # a missing field
            raise ConfigurationError(f"{cls.__name__} must have valid fields: {error}") from None

    parse_obj = model_validate

    def model_dump(self, *, exclude_none: bool = False, **_: object) -> _Fields:
        """Return the fields as a dictionary of plain values."""
        fields: _Fields = _plain(self)
        return {name: value for name, value in fields.items() if value is not None or not exclude_none}

    def model_dump_json(self, *, exclude_none: bool = False, **_: object) -> str:
        """Return the fields as a JSON object."""
        return json.dumps(self.model_dump(exclude_none=exclude_none))

    dict = model_dump
    json = model_dump_json


def _whole(text: str) -> object:
    return int(text) if _WHOLE.fullmatch(text) else text


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")
_TRUE: Final = ("true", "1", "yes", "y", "on", "t")
_FALSE: Final = ("false", "0", "no", "n", "off", "f")


def _flag(text: str) -> object:
    lower = text.lower()
    return lower in _TRUE if lower in (*_TRUE, *_FALSE) else text


_READERS: Final = {Kind.WHOLE: _whole, Kind.FRACTION: _number, Kind.FLAG: _flag}


def _read(kind: Kind, value: object) -> object:
    """Return the value that a parameter's text or number stands for; any other value as it is.

    The vendor's models take texts, as environment variables and command lines have them, whole numbers
    written as floats, and 0 and 1 as flags.
    """
    if isinstance(value, str) and kind in _READERS:
        return _READERS[kind](value.strip())
    if kind is Kind.WHOLE and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind is Kind.FLAG and isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    return value


@dataclass(kw_only=True)
class LLMGatewayMessage(_Dumpable):
    """A message to a language model."""

    role: str
    content: str


@dataclass(kw_only=True)
class LLMGatewayConfig(_Dumpable):
    """The request to a language model for each turn."""

    model: str
    messages: list[LLMGatewayMessage]
    max_tokens: int

    def __post_init__(self) -> None:
        self.messages = [LLMGatewayMessage.model_validate(each) for each in self.messages]


@_skips_unknown
@dataclass(kw_only=True)
class RealTimeSessionParameters(_Dumpable):
    """The parameters that can change during a session; None leaves one as it is.

    Which of them have an effect depends on the server; docs/compatibility.md lists what ours does.

    Attributes:
        end_of_turn_confidence_threshold: The confidence from which ``min_turn_silence`` ends a turn, 0 to 1.
        min_end_of_turn_silence_when_confident: The old name of ``min_turn_silence``.
        min_turn_silence: The silence that ends a turn which seems complete, in milliseconds.
        max_turn_silence: The silence that ends any turn, in milliseconds.
        vad_threshold: The speech probability from which audio counts as speech, 0 to 1.
        format_turns: Whether turns have case, punctuation and figures.
        keyterms_prompt: Words and names to expect.
        filter_profanity: Whether profanity is masked.
        prompt: Instructions for the model; with our server text that came before, for a model that takes one.
        agent_context: What the other side of a conversation said last.
        mode: The balance of latency and accuracy.
        continuous_partials: Whether unfinished turns come more often.
        partials_ms: The audio between two partials of a turn, in milliseconds; a hint. An extension of ours.
        interruption_delay: How soon the first words of a turn come, in milliseconds.
        turn_left_pad_ms: The audio before a turn that the model gets with it, in milliseconds.
        language_codes: Languages to expect.
        session_heartbeat: Whether the server sends heartbeats.
        acknowledge_silence: Whether the server reports silence.

    Raises:
        ConfigurationError: A value is not allowed.
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
    mode: StreamingMode | str | None = None
    continuous_partials: bool | None = None
    partials_ms: int | None = None
    interruption_delay: int | None = None
    turn_left_pad_ms: int | None = None
    language_codes: list[str] | None = None
    session_heartbeat: bool | None = None
    acknowledge_silence: bool | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if (parameter := PARAMETERS.get(field.name)) is not None:
                setattr(self, field.name, _read(parameter.kind, getattr(self, field.name)))
        try:
            Fields(_plain(self), PARAMETERS).check()
        except ProtocolViolation as violation:
            raise ConfigurationError(violation.detail) from None
        for field in dataclasses.fields(self):
            parameter, value = PARAMETERS.get(field.name), getattr(self, field.name)
            if parameter is not None and parameter.choices is not None and value is not None:
                setattr(self, field.name, parameter.choices(value))

    def to_wire(self) -> dict[str, Any]:
        """Return the parameters that are set, as JSON values under the protocol's present names."""
        fields = self.model_dump(exclude_none=True)
        for old, new in _RENAMED.items():
            if old in fields:
                if new in fields:
                    logger.warning(
                        "Both `%s` and `%s` are set: the first is deprecated and ignored", old, new
                    )
                else:
                    logger.warning("`%s` is deprecated: it is an old name of `%s`", old, new)
                fields.setdefault(new, fields[old])
                del fields[old]
        if "language_code" in fields:
            logger.warning("`language_code` is deprecated: use `language_codes`, a list")
        if fields.get("customer_support_audio_capture"):
            logger.warning(
                "customer_support_audio_capture lets the vendor keep session audio for its support"
            )
        return fields


@_skips_unknown
@dataclass(kw_only=True)
class RealTimeParameters(RealTimeSessionParameters):
    """The parameters that open a session.

    Attributes:
        sample_rate: The sample rate of the audio, in Hz; required for PCM.
        encoding: The encoding of the audio; ``pcm_s16le`` if None.
        channels: The number of interleaved channels, 1 or 2; each has its own turns. An extension of ours.
        recording: Whether the audio is a recording; a server that says so in Begin takes it at any speed. An
            extension of ours.
        task: Whether to write what is said, or its translation into English. An extension of ours.
        speech_model: The model. The client passes unknown names on.
        language_code: The old way to set one language.
        language: The oldest way to set one language.
        language_detection: Whether the server reports the language.
        domain: The domain of the speech.
        inactivity_timeout: The time without audio after which the server ends the session, in seconds.
        room: The room in which readers follow the session. An extension of ours, as are the next two.
        room_key: What other sessions must bring that speak in the room too.
        room_title: A title for its readers.
        webhook_url: Where the server posts the finished turns.
        webhook_auth_header_name: The name of a header to send along.
        webhook_auth_header_value: The value of that header.
        llm_gateway: The request to a language model for each turn.
        speaker_labels: Whether the server reports who speaks.
        speaker_labels_revision_interval_ms: How often it revises that, in milliseconds of audio.
        max_speakers: The greatest number of speakers.
        voice_focus: Which noise to suppress.
        voice_focus_threshold: How much of it, 0 to 1.
        noise_suppression_model: The old name of ``voice_focus``.
        noise_suppression_threshold: The old name of ``voice_focus_threshold``.
        previous_context_n_turns: The number of turns that the model gets as context.
        max_turn_duration: The greatest length of a turn.
        customer_support_audio_capture: Whether the vendor may record the session.
        include_partial_turns: Whether the server sends unfinished turns.
        redact_pii: Whether personal data is removed from finished turns.
        redact_pii_policies: The kinds of data to remove.
        redact_pii_sub: The replacement for removed data.

    Raises:
        ConfigurationError: A value is not allowed.
    """

    sample_rate: int | None = None
    encoding: StreamEncoding | str | None = None
    channels: int | None = None
    recording: bool | None = None
    task: SpeechTask | str | None = None
    speech_model: SpeechModel | str | None = None
    language_code: str | None = None
    language: str | None = None
    language_detection: bool | None = None
    domain: StreamingDomain | str | None = None
    inactivity_timeout: int | None = None
    room: str | None = None
    room_key: str | None = dataclasses.field(default=None, repr=False)
    room_title: str | None = None
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
    previous_context_n_turns: int | None = None
    max_turn_duration: int | None = None
    customer_support_audio_capture: bool | None = None
    include_partial_turns: bool | None = None
    redact_pii: bool | None = None
    redact_pii_policies: Sequence[StreamingPiiPolicy | str] | None = None
    redact_pii_sub: StreamingPiiSubstitution | str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.redact_pii_policies is not None:
            self.redact_pii_policies = [_policy(policy) for policy in self.redact_pii_policies]
        if self.sample_rate is None and self.audio_encoding.bytes_per_sample is not None:
            raise ConfigurationError(
                f"sample_rate is required for {self.audio_encoding}: the number of samples in a second"
            )

    @property
    def audio_encoding(self) -> StreamEncoding:
        """The encoding of the audio."""
        return StreamEncoding(self.encoding or StreamEncoding.pcm_s16le)

    def to_query(self) -> list[tuple[str, str]]:
        """Return the parameters that are set, as the pairs of a query."""
        return [(name, _query_text(value)) for name, value in self.to_wire().items()]


def _policy(name: str) -> StreamingPiiPolicy:
    try:
        return StreamingPiiPolicy(name)
    except ValueError:
        allowed = ", ".join(StreamingPiiPolicy)
        raise ConfigurationError(f"redact_pii_policies must be among {allowed}, got {name!r}") from None


def _query_text(value: object) -> str:
    return json.dumps(value) if isinstance(value, list | dict) else str(value)
