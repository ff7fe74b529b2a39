"""Which of the server's models a session gets, and which languages it expects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ProtocolViolation
from vivavoce.model_files.languages import base_code
from vivavoce.protocol.aai_v3.families import UNIVERSAL_STREAMING, ModelFamily, family_of
from vivavoce.protocol.aai_v3.parameters import DEFAULT_MODEL
from vivavoce.types import Failure, SpeechTask

if TYPE_CHECKING:
    from vivavoce.protocol.query import ParameterReader, Query
    from vivavoce.protocol.served_models import ServedModel, ServedModels

__all__ = ["ModelChoice", "choose_model", "read_languages"]

_MULTILINGUAL: Final = ("universal-streaming-multilingual", "whisper-rt")
_OURS: Final = ("moonshine-", "whisper-")
_ANY_LANGUAGE: Final = "multi"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The model of a session.

    Attributes:
        name: The name by which the client knows it.
        family: How its turns are reported.
        model: The server's model.
        languages: The languages that the session expects, of those that the model knows; empty: any of them.
        detects: Whether turns say which language was heard.
        translates: Whether the text is English, whatever is spoken.
    """

    name: str
    family: ModelFamily
    model: ServedModel
    languages: tuple[str, ...]
    detects: bool
    translates: bool


def choose_model(query: Query, models: ServedModels, warnings: list[str]) -> ModelChoice:
    """Choose by ``speech_model`` and the languages.

    Args:
        query: The query of the handshake.
        models: The server's models.
        warnings: Warnings are appended.

    Raises:
        ProtocolViolation: The languages contradict each other.
    """
    asked = query.text("speech_model") or DEFAULT_MODEL
    codes = [code for _, code in _codes(query)]
    wants_many = _ANY_LANGUAGE in codes or asked.startswith(_MULTILINGUAL)
    expected = [base_code(code) for code in codes if code != _ANY_LANGUAGE]
    wants_english = query.text("task") == SpeechTask.TRANSLATE
    must_translate = wants_english and set(expected) != {"en"}
    named = models.named(asked)
    model = named or models.knowing(expected, many=wants_many, translates=must_translate)
    family = UNIVERSAL_STREAMING if named else family_of(asked)
    shown = asked[:40]
    if family is None:
        warnings.append(f"speech_model {shown!r} is unknown: the server uses {DEFAULT_MODEL}")
        asked, family = DEFAULT_MODEL, UNIVERSAL_STREAMING
    elif named is None and asked.startswith(_OURS) and not asked.startswith(_MULTILINGUAL):
        warnings.append(f"speech_model {shown} is not served here: the server uses {model.name}")
        asked = model.name
    elif asked.startswith(_MULTILINGUAL) and model.only_language:
        warnings.append(f"speech_model {shown}: {_knows_only(model)}")
    languages = read_languages(query, model, warnings)
    detects = bool(query.flag("language_detection"))
    if detects and model.only_language:
        warnings.append(
            "language_detection is accepted and has no effect: all speech counts as "
            f"{_name_of(model.only_language)}"
        )
    if must_translate and not model.translates:
        warnings.append(f"task is accepted and has no effect: {model.name} can't translate")
    if languages is None:
        languages = model.languages if model.only_language else ()
    return ModelChoice(
        asked,
        family,
        model,
        languages,
        detects=detects and not model.only_language,
        translates=wants_english and model.translates,
    )


def read_languages(given: ParameterReader, model: ServedModel, warnings: list[str]) -> tuple[str, ...] | None:
    """Read the languages that a session expects.

    Args:
        given: The parameters.
        model: The model that must know them; a warning names those that it does not.
        warnings: Warnings are appended.

    Returns:
        Those that the model knows, empty for any; None if there are none among the parameters.

    Raises:
        ProtocolViolation: They contradict each other.
    """
    known: list[str] = []
    given_codes = _codes(given)
    if not given_codes and given.raw("language_codes") is not None and not model.only_language:
        return ()  # an empty list takes back what was said before
    for name, code in given_codes:
        if code == _ANY_LANGUAGE and not model.only_language:
            return ()
        if base_code(code) in model.languages:
            known.append(base_code(code))
        else:
            warnings.append(f"{name} {code[:20]!r}: {_knows_only(model)}")
    return tuple(dict.fromkeys(known)) or None


def _codes(given: ParameterReader) -> list[tuple[str, str]]:
    """The names of parameters and the languages that they ask for."""
    codes = given.strings("language_codes") or ()
    if _ANY_LANGUAGE in codes and len(codes) > 1:
        raise ProtocolViolation(Failure.BAD_OPTION, "language_codes must be 'multi' alone, or without it")
    found = [("language_codes", code) for code in codes]
    for name in ("language_code", "language"):
        code = given.text(name)
        if code:
            found.append((name, code))
    return found


def _knows_only(model: ServedModel) -> str:
    only = model.only_language
    return f"the model knows only {_name_of(only)}" if only else f"{model.name} does not know it"


def _name_of(language: str) -> str:
    return "English" if language == "en" else f"language {language!r}"
