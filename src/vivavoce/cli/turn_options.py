"""Options that choose when turns end and how their text is written; they need v3 of the protocol."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from vivavoce.errors import ConfigurationError
from vivavoce.protocol.aai_v3.choices import StreamingPiiPolicy, StreamingPiiSubstitution

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "FilterProfanityOption",
    "FormattingOption",
    "KeyTermOption",
    "RedactOption",
    "RedactWithOption",
    "TurnPreset",
    "TurnsOption",
    "turn_parameters",
]


class TurnPreset(StrEnum):
    """When turns end; the vendor's presets."""

    AGGRESSIVE = "aggressive"
    BALANCED = "balanced"
    CONSERVATIVE = "conservative"


_PRESETS: Final = {
    TurnPreset.AGGRESSIVE: {
        "end_of_turn_confidence_threshold": 0.4,
        "min_turn_silence": 160,
        "max_turn_silence": 400,
    },
    TurnPreset.BALANCED: {
        "end_of_turn_confidence_threshold": 0.4,
        "min_turn_silence": 400,
        "max_turn_silence": 1280,
    },
    TurnPreset.CONSERVATIVE: {
        "end_of_turn_confidence_threshold": 0.7,
        "min_turn_silence": 800,
        "max_turn_silence": 3600,
    },
}

KeyTermOption = Annotated[
    list[str] | None,
    typer.Option(
        "--key-term",
        metavar="TERM",
        show_default=False,
        help="Expect this name or term, written as it should appear; repeatable.",
    ),
]
FilterProfanityOption = Annotated[
    bool, typer.Option("--filter-profanity", help="Replace all but the first letter of profanity by stars.")
]
RedactOption = Annotated[
    list[StreamingPiiPolicy] | None,
    typer.Option(
        "--redact",
        metavar="KIND",
        show_default=False,
        help="Remove this kind of personal data, such as email_address or phone_number; repeatable. "
        "Partials are off.",
    ),
]
RedactWithOption = Annotated[
    StreamingPiiSubstitution | None,
    typer.Option(
        "--redact-with",
        metavar="hash|entity_name",
        show_default=False,
        help="Replace removed data by # signs or by the name of its kind (default: hash).",
    ),
]
TurnsOption = Annotated[
    TurnPreset | None,
    typer.Option(
        "--turns",
        metavar="PRESET",
        show_default=False,
        help="When utterances end: aggressive (for short commands), balanced (for conversation) or "
        "conservative (for dictation).",
    ),
]
FormattingOption = Annotated[
    bool | None,
    typer.Option(
        "--formatting/--no-formatting",
        show_default=False,
        help="Write case, punctuation and figures, or plain words (default: formatting).",
    ),
]


def turn_parameters(
    key_terms: Sequence[str] | None,
    filter_profanity: bool,
    redact: Sequence[StreamingPiiPolicy] | None,
    redact_with: StreamingPiiSubstitution | None,
    turns: TurnPreset | None,
    formatting: bool | None,
) -> dict[str, Any]:
    """Return the options as parameters of v3; empty if none is given.

    Args:
        key_terms: Values of ``--key-term``.
        filter_profanity: Value of ``--filter-profanity``.
        redact: Values of ``--redact``.
        redact_with: Value of ``--redact-with``.
        turns: Value of ``--turns``.
        formatting: Value of ``--formatting``; None: the server's default.

    Raises:
        ConfigurationError: An option needs another one, or a term is empty.
    """
    if redact_with is not None and not redact:
        raise ConfigurationError("--redact-with needs --redact KIND: it says what replaces removed data")
    if not all(map(str.strip, key_terms or ())):
        raise ConfigurationError("--key-term must not be empty")
    parameters: dict[str, Any] = {}
    if key_terms:
        parameters["keyterms_prompt"] = list(key_terms)
    if filter_profanity:
        parameters["filter_profanity"] = True
    if redact:
        parameters |= {"redact_pii": True, "redact_pii_policies": list(redact)}
    if redact_with is not None:
        parameters["redact_pii_sub"] = redact_with
    if turns is not None:
        parameters |= _PRESETS[turns]
    if formatting is not None:
        parameters["format_turns"] = formatting
    return parameters
