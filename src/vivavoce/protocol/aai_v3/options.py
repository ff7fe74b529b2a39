"""What the parameters of a v3 handshake, or of an ``UpdateConfiguration``, mean for a session.

The server does what a parameter asks for, refuses it, or accepts it with a warning that says what has no
effect.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.aai_v3.families import UNIVERSAL_3, ModelFamily
from vivavoce.protocol.aai_v3.messages import API_VERSION, SessionConfiguration
from vivavoce.protocol.aai_v3.model_choice import ModelChoice, choose_model, read_languages
from vivavoce.protocol.aai_v3.parameters import (
    DEFAULT_END_OF_TURN_THRESHOLD,
    DEFAULT_SAMPLE_RATE_HZ,
    PARAMETERS,
)
from vivavoce.protocol.events import (
    Configure,
    Redaction,
    RoomRequest,
    SessionOptions,
    SpeakerRequest,
    Warn,
    Webhook,
)
from vivavoce.protocol.key_terms import sort_terms
from vivavoce.protocol.rooms import read_room
from vivavoce.protocol.served_models import ENGLISH_ONLY, ServedModel, ServedModels
from vivavoce.types import Codec, Encoding, Failure, PiiPolicy

if TYPE_CHECKING:
    from vivavoce.protocol.query import ParameterReader, Query

__all__ = [
    "MODES",
    "REDACTION_POLICIES",
    "Handshake",
    "read_query",
    "read_update",
]

REDACTION_POLICIES: Final[frozenset[str]] = frozenset(PiiPolicy)
"""What the server can redact. It refuses other policies: it must not show what should be hidden."""

_INTERRUPTION_MS: Final = 256  # what the protocol adds to every interruption_delay
_LEAST_REVISION_MS: Final = 120_000  # as documented
_RARE_PARTIALS_MS: Final = 3_000  # what continuous_partials=false means
_POLICIES: Final = "redact_pii_policies"
_SUBSTITUTION: Final = "redact_pii_sub"


_U3_MIN_SILENCE_MS: Final = (50, 10_000)

MODES: Final = {
    "min_latency": (128, 640, 0),
    "balanced": (128, 1_280, 500),
    "max_accuracy": (512, 2_560, 500),
}
"""For each mode the silence that ends a complete turn and any turn, and interruption_delay, in ms."""

# They ask for nothing by themselves; for speaker_labels there is a warning already.
_SPEAKERS: Final = "speaker_labels"
_DETAILS_OF_SPEAKER_LABELS: Final = frozenset({"max_speakers", "speaker_labels_revision_interval_ms"})

# Texts that switch a parameter off.
_OFF: Final = frozenset({"", "false", "0", "0.0", "[]", "{}", "null", "none"})


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a handshake asked for.

    Attributes:
        options: The options of the session.
        family: How its turns are reported.
        model: The server's model.
        configuration: What the server reports about it in the first message.
        idle_s: The time without messages after which the server closes, in seconds; None: never.
        webhook: Where the server posts the finished turns after the session.
        room: The room in which readers follow the session.
    """

    options: SessionOptions
    family: ModelFamily
    model: ServedModel
    configuration: SessionConfiguration
    idle_s: int | None
    webhook: Webhook | None
    room: RoomRequest | None


def read_query(query: Query, models: ServedModels = ENGLISH_ONLY) -> Handshake:
    """Read the query of a handshake.

    Args:
        query: The query.
        models: The server's models.

    Raises:
        ProtocolViolation: A parameter has a value that is not allowed.
    """
    query.check()
    _check_focus(query)
    warnings: list[str] = []
    choice = choose_model(query, models, warnings)
    family = choice.family
    change = _read_changes(query, family, choice.model, warnings)
    room = read_room(query)
    if room is not None and change.format_turns is None:
        change = replace(change, format_turns=True)  # an audience reads it
    speakers = _speakers(query) if models.labels_speakers else None
    warnings += [each for each in _no_effect(query) if speakers is None or not each.startswith(_SPEAKERS)]
    redaction = _redaction(query)
    warnings += _redaction_warnings(query, redaction)
    warnings += _english_only_warnings(choice.languages, change, redaction, translates=choice.translates)
    options = _session_options(query, choice, change, redaction, tuple(warnings))
    options = replace(options, speakers=speakers)
    configuration = SessionConfiguration(
        model=choice.name,
        mode=query.text("mode") or ("balanced" if family is UNIVERSAL_3 else None),
        api_version=API_VERSION,
        speaker_labels=speakers is not None,
        redact_pii=redaction is not None,
        filter_profanity=options.filter_profanity,
    )
    idle_s = query.whole("inactivity_timeout")
    return Handshake(options, family, choice.model, configuration, idle_s, _webhook(query), room)


def read_update(
    fields: ParameterReader,
    family: ModelFamily,
    model: ServedModel = ENGLISH_ONLY.default,
    redaction: Redaction | None = None,
    *,
    translates: bool = False,
) -> tuple[Configure | Warn, ...]:
    """Read an ``UpdateConfiguration``: the change, and warnings about it.

    Args:
        fields: The fields of the message.
        family: The family of the session's model.
        model: The session's model.
        redaction: What the session redacts.
        translates: Whether the text is English, whatever is spoken.

    Raises:
        ProtocolViolation: A field has a value that is not allowed.
    """
    for name in ("redact_pii", _POLICIES, _SUBSTITUTION):
        if fields.raw(name) is not None:  # a client that asks for it must not continue without it
            raise ProtocolViolation(Failure.BAD_OPTION, f"{name} can't be changed during a session")
    warnings: list[str] = []
    languages = read_languages(fields, model, warnings)
    change = replace(_read_changes(fields, family, model, warnings), languages=languages)
    if languages is not None:
        warnings += _english_only_warnings(languages, change, redaction, translates=translates)
    return (change, *map(Warn, (*warnings, *_no_effect(fields))))


# --- what a client can also change during a session ---------------------------------------------


def _read_changes(
    given: ParameterReader, family: ModelFamily, model: ServedModel, warnings: list[str]
) -> Configure:
    mode = given.text("mode")
    min_silence, max_silence = _silences(given, family)
    delay = None
    if mode is not None:
        *silences, delay = MODES[mode]
        min_silence, max_silence = _both_silences(min_silence, max_silence, (silences[0], silences[1]))
    given_delay = given.whole("interruption_delay")
    delay = delay if given_delay is None else given_delay
    continuous = given.flag("continuous_partials")
    partials_ms = given.whole("partials_ms")
    if partials_ms is None and continuous is not None:
        partials_ms = 0 if continuous else _RARE_PARTIALS_MS
    format_turns = given.flag("format_turns")
    if family.replaces_text and format_turns is False:
        warnings.append(f"format_turns: turns of {family.name} models are always formatted")
    given.text("agent_context")
    given.whole("turn_left_pad_ms")
    return Configure(
        min_silence_ms=min_silence,
        max_silence_ms=max_silence,
        end_of_turn_threshold=given.fraction("end_of_turn_confidence_threshold"),
        speech_threshold=given.fraction("vad_threshold"),
        format_turns=None if family.replaces_text else format_turns,
        partials_ms=partials_ms,
        first_partial_ms=None if delay is None else delay + _INTERRUPTION_MS,
        acknowledge_silence=given.flag("acknowledge_silence"),
        heartbeat=given.flag("session_heartbeat"),
        key_terms=_key_terms(given, warnings),
        prompt=_prompt(given, model, warnings),
        filter_profanity=given.flag("filter_profanity"),
    )


def _silences(given: ParameterReader, family: ModelFamily) -> tuple[int | None, int | None]:
    """The short silence and the long one; None for one that the client did not set."""
    shortest_name = "min_turn_silence"
    shortest = given.whole(shortest_name)
    if shortest is None:
        shortest_name = "min_end_of_turn_silence_when_confident"
        shortest = given.whole(shortest_name)
    longest = given.whole("max_turn_silence")
    if shortest is not None and longest is not None and shortest > longest:
        raise ProtocolViolation(
            Failure.BAD_OPTION,
            f"{shortest_name} must be at most max_turn_silence, {longest}, got {shortest}",
        )
    if shortest is not None and family is UNIVERSAL_3:  # as documented
        low, high = _U3_MIN_SILENCE_MS
        shortest = max(low, min(shortest, high))
        longest = None if longest is None else max(longest, shortest)
    return shortest, longest


def _both_silences(shortest: int | None, longest: int | None, defaults: tuple[int, int]) -> tuple[int, int]:
    """Both silences; a default gives way to a silence that the client set."""
    default_shortest, default_longest = defaults
    if longest is None:
        longest = max(default_longest, shortest or 0)
    return min(default_shortest, longest) if shortest is None else shortest, longest


def _key_terms(given: ParameterReader, warnings: list[str]) -> tuple[str, ...] | None:
    terms = given.strings("keyterms_prompt")
    if terms is None:
        return None
    usable, unusable = sort_terms(terms)
    if unusable:
        listed = ", ".join(map(repr, unusable))
        warnings.append(f"keyterms_prompt: the model can't write {listed}: no effect")
    return usable


def _prompt(given: ParameterReader, model: ServedModel, warnings: list[str]) -> str | None:
    prompt = given.text("prompt")
    if prompt is None or model.takes_prompt:
        return None if prompt is None else " ".join(unicodedata.normalize("NFC", prompt).split())
    if not _is_off(given, "prompt"):
        warnings.append("prompt is accepted and has no effect: the model takes no prompt")
    return None


def _english_only_warnings(
    languages: tuple[str, ...], change: Configure, redaction: Redaction | None, *, translates: bool
) -> list[str]:
    """A warning for each wish that is fulfilled in English only.

    Raises:
        ProtocolViolation: Personal data in another language would be shown instead of hidden.
    """
    others = [language for language in languages if language != "en"]
    if languages == ("en",):
        return []
    if translates:
        hides_less = "redact_pii knows only English: it hides less where the model leaves words untranslated"
        return [] if redaction is None else [hides_less]
    if others and redaction is not None:
        raise ProtocolViolation(Failure.BAD_OPTION, f"redact_pii knows only English, not {others[0]!r}")
    warnings = []
    if redaction is not None:
        warnings.append("redact_pii knows only English: it hides less in other languages")
    if change.filter_profanity:
        warnings.append("filter_profanity knows only English: it hides nothing in other languages")
    return warnings


def _no_effect(given: ParameterReader) -> list[str]:
    """A warning for each parameter that is set and has no effect."""
    reasons = {name: PARAMETERS[name].no_effect for name in given.names() if name in PARAMETERS}
    return [
        f"{name} is accepted and has no effect: {reason}"
        for name, reason in reasons.items()
        if reason is not None and name not in _DETAILS_OF_SPEAKER_LABELS and not _is_off(given, name)
    ]


def _is_off(given: ParameterReader, name: str) -> bool:
    value = given.raw(name)
    return value in (None, False, [], {}) or (isinstance(value, str) and value.lower() in _OFF)


# --- what only a handshake can ask for ----------------------------------------------------------


def _session_options(
    query: Query,
    choice: ModelChoice,
    change: Configure,
    redaction: Redaction | None,
    warnings: tuple[str, ...],
) -> SessionOptions:
    family = choice.family
    formatted = family.replaces_text or change.format_turns or False
    encoding = _encoding(query)
    min_silence_ms, max_silence_ms = _both_silences(
        change.min_silence_ms, change.max_silence_ms, (family.min_silence_ms, family.max_silence_ms)
    )
    threshold = change.end_of_turn_threshold
    return SessionOptions(
        sample_rate=query.whole("sample_rate") or DEFAULT_SAMPLE_RATE_HZ,
        encoding=encoding,
        channels=_channels(query, encoding),
        recording=query.flag("recording") or False,
        partials=_has_partials(query, redaction),
        partials_ms=change.partials_ms,
        first_partial_ms=change.first_partial_ms,
        format_partials=formatted,
        format_finals=formatted,
        punctuate_finals=formatted,
        min_silence_ms=min_silence_ms,
        max_silence_ms=max_silence_ms,
        end_of_turn_threshold=DEFAULT_END_OF_TURN_THRESHOLD if threshold is None else threshold,
        speech_threshold=change.speech_threshold,
        acknowledge_silence=change.acknowledge_silence or False,
        heartbeat=change.heartbeat or False,
        answer_empty_force=True,
        # What is said later decides where a word stands in English.
        commit_words=not family.replaces_text and not choice.translates,
        report_pauses=not family.replaces_text and not choice.translates,
        key_terms=change.key_terms or (),
        prompt=change.prompt or "",
        filter_profanity=change.filter_profanity or False,
        redaction=redaction,
        model=choice.model.name,
        languages=choice.languages,
        detects_language=choice.detects,
        translates=choice.translates,
        warnings=warnings,
    )


def _speakers(query: Query) -> SpeakerRequest | None:
    """How turns are labelled by their speakers; None: they are not."""
    if not query.flag(_SPEAKERS):
        return None
    interval_ms = query.whole("speaker_labels_revision_interval_ms") or None
    if interval_ms is not None:
        interval_ms = max(interval_ms, _LEAST_REVISION_MS)
    return SpeakerRequest(query.whole("max_speakers"), interval_ms)


def _encoding(query: Query) -> Encoding | Codec:
    name = query.text("encoding") or Encoding.PCM_S16LE.value
    return Codec(name) if name in set(Codec) else Encoding(name)


def _channels(query: Query, encoding: Encoding | Codec) -> int:
    channels = query.whole("channels") or 1
    if channels > 1 and isinstance(encoding, Codec):
        raise ProtocolViolation(
            Failure.BAD_OPTION,
            f"channels must be 1 for {encoding.value}, got {channels}: send raw samples",
        )
    return channels


def _has_partials(query: Query, redaction: Redaction | None) -> bool:
    included = query.flag("include_partial_turns")
    return redaction is None if included is None else included


def _check_focus(query: Query) -> None:
    """Check that each threshold of noise suppression comes with what it belongs to."""
    for focus, threshold in (
        ("voice_focus", "voice_focus_threshold"),
        ("noise_suppression_model", "noise_suppression_threshold"),
    ):
        if query.fraction(threshold) is not None and query.text(focus) is None:
            raise ProtocolViolation(Failure.BAD_OPTION, f"{threshold} needs {focus}")


def _redaction(query: Query) -> Redaction | None:
    policies = query.strings(_POLICIES) or ()
    if not query.flag("redact_pii"):
        return None
    for policy in policies:
        if policy not in REDACTION_POLICIES:
            raise ProtocolViolation(
                Failure.BAD_OPTION, f"{_POLICIES}: this server can't redact {policy[:30]!r}"
            )
    return Redaction(policies or tuple(sorted(REDACTION_POLICIES)), query.text(_SUBSTITUTION) or "hash")


def _redaction_warnings(query: Query, redaction: Redaction | None) -> list[str]:
    if redaction is None:
        return [
            f"{name} has no effect without redact_pii: nothing is redacted"
            for name in (_POLICIES, _SUBSTITUTION)
            if not _is_off(query, name)
        ]
    warnings = []
    if _has_partials(query, redaction):
        warnings.append("include_partial_turns: a session with redaction reports finished turns only")
    if not query.strings(_POLICIES):
        warnings.append(f"redact_pii without policies redacts no more than: {', '.join(redaction.policies)}")
    return warnings


def _webhook(query: Query) -> Webhook | None:
    url = query.text("webhook_url")
    name, value = query.text("webhook_auth_header_name"), query.text("webhook_auth_header_value")
    if url is None:
        return None
    if _host(url) is None:
        raise ProtocolViolation(
            Failure.BAD_OPTION, f"webhook_url must be an http or https address, got {url[:40]!r}"
        )
    if (name is None) != (value is None):
        raise ProtocolViolation(
            Failure.BAD_OPTION, "webhook_auth_header_name and webhook_auth_header_value go together"
        )
    if name is None or value is None:
        return Webhook(url)
    if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
        raise ProtocolViolation(
            Failure.BAD_OPTION, f"webhook_auth_header_name must be the name of a header, got {name[:40]!r}"
        )
    if not (value.isascii() and value.isprintable()):
        raise ProtocolViolation(Failure.BAD_OPTION, "webhook_auth_header_value must be printable ASCII")
    return Webhook(url, (name, value))


def _host(url: str) -> str | None:
    """The host of a web address; None if it is not one."""
    if not (url.isascii() and url.isprintable() and " " not in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname if parts.scheme in {"http", "https"} else None
