"""What a v3 client can ask for, in the query of the handshake and in ``UpdateConfiguration``.

Everything that is asked for is done, refused, or taken with a remark that says what it does not do.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.aai_v3.messages import API_VERSION, Configuration
from vivavoce.protocol.events import Configure, Redaction, SessionOptions, Warn, Webhook
from vivavoce.protocol.key_terms import sort_terms
from vivavoce.types import Codec, Encoding, Failure, PiiPolicy

if TYPE_CHECKING:
    from vivavoce.protocol.query import Parameters, Query

__all__ = ["REDACTION_POLICIES", "Family", "Opening", "read_query", "read_update"]

REDACTION_POLICIES: Final[frozenset[str]] = frozenset(PiiPolicy)
"""What can be redacted. A policy that can't is refused: what should be hidden must not be shown."""

_DEFAULT_SAMPLE_RATE: Final = 16_000
_MAX_SILENCE_MS: Final = 60_000
_MAX_KEY_TERMS: Final = 100
_MAX_KEY_TERM_CHARACTERS: Final = 50
_MAX_PROMPT_CHARACTERS: Final = 1_750
_MAX_LANGUAGES: Final = 10
_INTERRUPTION_MS: Final = 256  # what the protocol adds to every interruption_delay
_RARE_PARTIALS_MS: Final = 3_000  # what continuous_partials=false means
_MAX_CHANNELS: Final = 2
_PARTIALS_MS: Final = (160, 10_000)
_POLICIES: Final = "redact_pii_policies"
_SUBSTITUTION: Final = "redact_pii_sub"


@dataclass(frozen=True, slots=True)
class Family:
    """How models of one kind behave.

    Attributes:
        name: For people.
        min_silence_ms: Default silence that ends a turn which sounds complete.
        max_silence_ms: Default silence that ends any turn.
        replaces_text: Whether each message restates the turn, rather than adding words that stay.
        tells_speech: Whether the beginning of speech is told.
    """

    name: str
    min_silence_ms: int
    max_silence_ms: int
    replaces_text: bool = False
    tells_speech: bool = False


_US: Final = Family("Universal-Streaming", 400, 1_280)
_U3: Final = Family("Universal-3", 128, 1_280, replaces_text=True, tells_speech=True)
_U3_MIN_SILENCE_MS: Final = range(50, 10_000)
_DEFAULT_MODEL: Final = "universal-streaming-english"
_MODELS: Final = {
    _DEFAULT_MODEL: _US,
    "universal-streaming-multilingual": _US,
    "whisper-rt": _US,
    "moonshine-tiny-en": _US,
    "universal-3-6-pro": _U3,
    "universal-3-5-pro": _U3,
    "universal-3-6": _U3,
    "u3-rt-pro": _U3,
    "u3-rt-pro-beta-1": _U3,
    "u3-pro": _U3,
}
_MULTILINGUAL: Final = frozenset({"universal-streaming-multilingual", "whisper-rt"})

# Silence that ends a complete turn, any turn, and interruption_delay, in ms.
_MODES: Final = {
    "min_latency": (128, 640, 0),
    "balanced": (128, 1_280, 500),
    "max_accuracy": (512, 2_560, 500),
}

_OFF: Final = frozenset({"", "false", "0", "[]", "{}", "null", "none"})

# Taken, checked, and without effect; what it says is what the client is told.
_WITHOUT_EFFECT: Final = {
    "prompt": "the model takes no prompt",
    "agent_context": "the model takes no context",
    "previous_context_n_turns": "the model takes no context",
    "language_detection": "all speech is taken for English",
    "speaker_labels": "speakers are not told apart",
    "max_speakers": "speakers are not told apart",
    "speaker_labels_revision_interval_ms": "speakers are not told apart",
    "domain": "there is one model for all of them",
    "voice_focus": "sound is heard as it comes",
    "voice_focus_threshold": "sound is heard as it comes",
    "noise_suppression_model": "sound is heard as it comes",
    "noise_suppression_threshold": "sound is heard as it comes",
    "turn_left_pad_ms": "turns begin where speech was noticed",
    "max_turn_duration": "a turn that does not end is ended after 40 s at most",
    "customer_support_audio_capture": "no audio is ever kept",
    "llm_gateway": "no language model is asked",
}


@dataclass(frozen=True, slots=True)
class Opening:
    """What a handshake asked for.

    Attributes:
        options: For the session.
        family: How it behaves.
        configuration: What the client is told about it.
        idle_s: How long the client may send nothing, in seconds; None: for ever.
        webhook: Where finished turns are posted afterwards.
    """

    options: SessionOptions
    family: Family
    configuration: Configuration
    idle_s: int | None
    webhook: Webhook | None


def read_query(query: Query) -> Opening:
    """Read the query of a handshake.

    Raises:
        ProtocolViolation: A parameter can't be used.
    """
    remarks: list[str] = []
    model = query.text("speech_model") or _DEFAULT_MODEL
    if model not in _MODELS:
        remarks.append(f"speech_model {model[:40]!r} is not known: {_DEFAULT_MODEL} is used")
        model = _DEFAULT_MODEL
    elif model in _MULTILINGUAL:
        remarks.append(f"speech_model {model}: only English is understood")
    family = _MODELS[model]
    change, notes = _read_changes(query, family)
    remarks += notes
    formatted = family.replaces_text or change.format_turns or False
    redaction = _redaction(query)
    partials = query.flag("include_partial_turns")
    if partials is None:
        partials = redaction is None
    encoding = query.encoding(codecs=True)
    min_silence_ms, max_silence_ms = _both_silences(
        change.min_silence_ms, change.max_silence_ms, (family.min_silence_ms, family.max_silence_ms)
    )
    options = SessionOptions(
        sample_rate=query.sample_rate(default=_DEFAULT_SAMPLE_RATE),
        encoding=encoding,
        channels=_channels(query, encoding),
        partials=partials,
        partials_ms=change.partials_ms,
        first_partial_ms=change.first_partial_ms,
        format_partials=formatted,
        format_finals=formatted,
        punctuate_finals=formatted,
        min_silence_ms=min_silence_ms,
        max_silence_ms=max_silence_ms,
        end_of_turn_threshold=0.4 if change.end_of_turn_threshold is None else change.end_of_turn_threshold,
        speech_threshold=change.speech_threshold,
        acknowledge_silence=change.acknowledge_silence or False,
        heartbeat=change.heartbeat or False,
        answer_empty_force=True,
        commit_words=not family.replaces_text,
        key_terms=change.key_terms or (),
        filter_profanity=change.filter_profanity or False,
        redaction=redaction,
    )
    _check_opening(query)
    remarks += _remarks(query)
    if redaction is not None and partials:
        remarks.append(
            "include_partial_turns: nothing is told of unfinished turns while something is redacted"
        )
    if redaction is not None and not query.strings(_POLICIES, commas=True):
        remarks.append(f"redact_pii without policies takes out no more than: {', '.join(redaction.policies)}")
    if redaction is None:
        remarks += [
            f"{name} has no effect without redact_pii: nothing is taken out"
            for name in (_POLICIES, _SUBSTITUTION)
            if not _is_off(query, name)
        ]
    configuration = Configuration(
        model=model,
        mode=query.text("mode") or ("balanced" if family is _U3 else None),
        api_version=API_VERSION,
        speaker_labels=False,
        redact_pii=redaction is not None,
        filter_profanity=options.filter_profanity,
    )
    return Opening(
        _with_remarks(options, remarks),
        family,
        configuration,
        query.integer("inactivity_timeout", low=5, high=3_600),
        _webhook(query),
    )


def read_update(fields: Parameters, family: Family) -> tuple[Configure | Warn, ...]:
    """Read an ``UpdateConfiguration``: the change, and what there is to say about it.

    Raises:
        ProtocolViolation: A field can't be used.
    """
    for name in ("redact_pii", _POLICIES, _SUBSTITUTION):
        if fields.raw(name) is not None:  # whoever asks for it must not go on as if it were done
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name}: can't be changed in mid-session")
    change, remarks = _read_changes(fields, family)
    return (change, *map(Warn, (*remarks, *_remarks(fields))))


def _with_remarks(options: SessionOptions, remarks: list[str]) -> SessionOptions:
    return dataclasses.replace(options, warnings=tuple(remarks))


# --- what can also be changed in mid-session --------------------------------------------------


def _read_changes(it: Parameters, family: Family) -> tuple[Configure, list[str]]:
    remarks: list[str] = []
    mode = it.choice("mode", tuple(_MODES))
    min_silence, max_silence = _silences(it, family)
    delay = None
    if mode is not None:
        *silences, delay = _MODES[mode]
        min_silence, max_silence = _both_silences(min_silence, max_silence, (silences[0], silences[1]))
    asked_delay = it.integer("interruption_delay", low=0, high=1_000)
    delay = delay if asked_delay is None else asked_delay
    continuous = it.flag("continuous_partials")
    low, high = _PARTIALS_MS
    partials_ms = it.integer("partials_ms", low=low, high=high)
    if partials_ms is None and continuous is not None:
        partials_ms = 0 if continuous else _RARE_PARTIALS_MS
    format_turns = it.flag("format_turns")
    if family.replaces_text and format_turns is False:
        remarks.append(f"format_turns: turns of {family.name} models are always formatted")
    for name in ("prompt", "agent_context"):
        it.text(name, longest=_MAX_PROMPT_CHARACTERS)
    it.integer("turn_left_pad_ms", low=0, high=_MAX_SILENCE_MS)
    remarks += _language_remarks(it)
    change = Configure(
        min_silence_ms=min_silence,
        max_silence_ms=max_silence,
        end_of_turn_threshold=it.fraction("end_of_turn_confidence_threshold"),
        speech_threshold=it.fraction("vad_threshold"),
        format_turns=None if family.replaces_text else format_turns,
        partials_ms=partials_ms,
        first_partial_ms=None if delay is None else delay + _INTERRUPTION_MS,
        acknowledge_silence=it.flag("acknowledge_silence"),
        heartbeat=it.flag("session_heartbeat"),
        key_terms=_key_terms(it, remarks),
        filter_profanity=it.flag("filter_profanity"),
    )
    return change, remarks


def _silences(it: Parameters, family: Family) -> tuple[int | None, int | None]:
    """The short silence and the long one, as far as they were asked for."""
    shortest_name = "min_turn_silence"
    shortest = _silence(it, shortest_name)
    if shortest is None:
        shortest_name = "min_end_of_turn_silence_when_confident"
        shortest = _silence(it, shortest_name)
    longest = _silence(it, "max_turn_silence")
    if shortest is not None and longest is not None and shortest > longest:
        raise ProtocolViolation(
            Failure.BAD_OPTION,
            f"{shortest_name}: {shortest} is not in 0..{longest}, the latter being max_turn_silence",
        )
    if shortest is not None and family is _U3:  # as documented
        shortest = max(_U3_MIN_SILENCE_MS.start, min(shortest, _U3_MIN_SILENCE_MS.stop))
        longest = None if longest is None else max(longest, shortest)
    return shortest, longest


def _silence(it: Parameters, name: str) -> int | None:
    return it.integer(name, low=0, high=_MAX_SILENCE_MS)


def _both_silences(shortest: int | None, longest: int | None, defaults: tuple[int, int]) -> tuple[int, int]:
    """Both, where one that nobody asked for gives way to one that somebody did."""
    default_shortest, default_longest = defaults
    if longest is None:
        longest = max(default_longest, shortest or 0)
    return min(default_shortest, longest) if shortest is None else shortest, longest


def _key_terms(it: Parameters, remarks: list[str]) -> tuple[str, ...] | None:
    terms = it.strings("keyterms_prompt", commas=True)
    if terms is None:
        return None
    if len(terms) > _MAX_KEY_TERMS:
        raise ProtocolViolation(
            Failure.BAD_OPTION, f"keyterms_prompt: {len(terms)} terms, at most {_MAX_KEY_TERMS}"
        )
    for term in terms:
        if len(term) > _MAX_KEY_TERM_CHARACTERS:
            raise ProtocolViolation(
                Failure.BAD_OPTION,
                f"keyterms_prompt: {term[:20]!r}... is longer than {_MAX_KEY_TERM_CHARACTERS} characters",
            )
    usable, useless = sort_terms(terms)
    if useless:
        named = ", ".join(map(repr, useless))
        remarks.append(f"keyterms_prompt: the model can't write {named}: no effect")
    return usable


def _language_remarks(it: Parameters) -> list[str]:
    codes = it.strings("language_codes", commas=True) or ()
    if len(codes) > _MAX_LANGUAGES:
        raise ProtocolViolation(
            Failure.BAD_OPTION, f"language_codes: {len(codes)} codes, at most {_MAX_LANGUAGES}"
        )
    if "multi" in codes and len(codes) > 1:
        raise ProtocolViolation(Failure.BAD_OPTION, "language_codes: 'multi' must stand alone")
    asked = {"language_codes": codes}
    for name in ("language_code", "language"):
        code = it.text(name)
        asked[name] = (code,) if code else ()
    return [
        f"{name} {code[:20]!r}: only English is understood"
        for name, of_name in asked.items()
        for code in of_name
        if code.lower().replace("_", "-").split("-")[0] != "en"
    ]


def _remarks(it: Parameters) -> list[str]:
    """What is taken without effect, of what the client really asked for."""
    return [
        f"{name} is accepted and has no effect: {_WITHOUT_EFFECT[name]}"
        for name in it.names()
        if name in _WITHOUT_EFFECT and not _is_off(it, name)
    ]


def _is_off(it: Parameters, name: str) -> bool:
    value = it.raw(name)
    return value in (None, False, [], {}) or (isinstance(value, str) and value.lower() in _OFF)


# --- what only a handshake can ask for --------------------------------------------------------


def _check_opening(query: Query) -> None:
    """Check what is taken without effect."""
    query.integer("previous_context_n_turns", low=0, high=100)
    query.integer("max_speakers", low=1, high=10)
    query.integer("speaker_labels_revision_interval_ms", low=0, high=24 * 3_600_000)
    query.integer("max_turn_duration", low=0, high=24 * 3_600_000)
    for name in ("language_detection", "speaker_labels", "customer_support_audio_capture"):
        query.flag(name)
    query.choice("domain", ("medical-v1",))
    query.mapping("llm_gateway")
    for focus, threshold in (
        ("voice_focus", "voice_focus_threshold"),
        ("noise_suppression_model", "noise_suppression_threshold"),
    ):
        is_focused = query.choice(focus, ("near-field", "far-field")) is not None
        if query.fraction(threshold) is not None and not is_focused:
            raise ProtocolViolation(Failure.BAD_OPTION, f"{threshold} needs {focus}")


def _channels(query: Query, encoding: Encoding | Codec) -> int:
    channels = query.integer("channels", low=1, high=_MAX_CHANNELS) or 1
    if channels > 1 and isinstance(encoding, Codec):
        raise ProtocolViolation(
            Failure.BAD_OPTION, f"channels: {channels} go with raw samples only, not with {encoding.value}"
        )
    return channels


def _redaction(query: Query) -> Redaction | None:
    substitution = query.choice(_SUBSTITUTION, ("hash", "entity_name")) or "hash"
    policies = query.strings(_POLICIES, commas=True) or ()
    if not query.flag("redact_pii"):
        return None
    for policy in policies:
        if policy not in REDACTION_POLICIES:
            raise ProtocolViolation(
                Failure.BAD_OPTION, f"{_POLICIES}: {policy[:30]!r} can't be redacted by this server"
            )
    return Redaction(policies or tuple(sorted(REDACTION_POLICIES)), substitution)


def _webhook(query: Query) -> Webhook | None:
    url = query.text("webhook_url")
    name, value = query.text("webhook_auth_header_name"), query.text("webhook_auth_header_value")
    if url is None:
        return None
    if _host(url) is None:
        raise ProtocolViolation(Failure.BAD_OPTION, f"webhook_url: no http or https address: {url[:40]!r}")
    if (name is None) != (value is None):
        raise ProtocolViolation(
            Failure.BAD_OPTION, "webhook_auth_header_name and webhook_auth_header_value go together"
        )
    if name is None or value is None:
        return Webhook(url)
    if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
        raise ProtocolViolation(Failure.BAD_OPTION, f"webhook_auth_header_name: no header: {name[:40]!r}")
    if not (value.isascii() and value.isprintable()):
        raise ProtocolViolation(Failure.BAD_OPTION, "webhook_auth_header_value: not printable ASCII")
    return Webhook(url, (name, value))


def _host(url: str) -> str | None:
    """The host of a web address; None if it is no such address."""
    if not (url.isascii() and url.isprintable() and " " not in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname if parts.scheme in {"http", "https"} else None
