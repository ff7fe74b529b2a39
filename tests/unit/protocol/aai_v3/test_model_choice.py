"""Which model and language a v3 session gets, and what its client is told."""

import json
from urllib.parse import parse_qsl

import pytest

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.aai_v3.dialect import V3Factory
from vivavoce.protocol.events import Configure, TurnUpdated, Warn
from vivavoce.protocol.served_models import ENGLISH_ONLY, ServedModel, ServedModels
from vivavoce.types import Word

ENGLISH = ServedModel("moonshine-tiny-en", ("en",))
SPANISH = ServedModel("moonshine-streaming-tiny-es", ("es",))
MANY = ServedModel("whisper-base", ("en", "zh", "de", "es", "fr"), takes_prompt=True, translates=True)
ALL = ServedModels((ENGLISH, SPANISH, MANY))
SPANISH_FIRST = ServedModels((SPANISH, MANY))


def open_session(query, models=ALL):
    return V3Factory().open(parse_qsl(query), models)


@pytest.mark.parametrize(
    ("query", "model", "languages"),
    [
        ("", ENGLISH, ("en",)),
        ("speech_model=whisper-base", MANY, ()),
        ("speech_model=whisper-base&language_code=fr", MANY, ("fr",)),
        ("speech_model=moonshine-streaming-tiny-es", SPANISH, ("es",)),
        ("language_code=es", SPANISH, ("es",)),
        ("language_code=es-MX", SPANISH, ("es",)),
        ("language_codes=es,de", MANY, ("es", "de")),
        ("language_codes=multi", MANY, ()),
        ("language=fr_FR", MANY, ("fr",)),
        ("language_code=en-GB", ENGLISH, ("en",)),
        ("speech_model=universal-streaming-multilingual", MANY, ()),
        ("speech_model=whisper-rt&language_codes=de", MANY, ("de",)),
        ("speech_model=u3-rt-pro&language_codes=de", MANY, ("de",)),
    ],
)
def test_name_and_languages_choose_the_model(query, model, languages):
    options = open_session(query).options
    assert (options.model, options.languages) == (model.name, languages)
    assert options.warnings == ()


@pytest.mark.parametrize(
    ("query", "models", "warning"),
    [
        ("language_code=fr", ENGLISH_ONLY, "language_code 'fr': the model knows only English"),
        ("language_codes=multi", ENGLISH_ONLY, "language_codes 'multi': the model knows only English"),
        ("language_code=xx", ALL, "language_code 'xx': the model knows only English"),
        (
            "speech_model=whisper-base&language_code=xx",
            ALL,
            "'xx': whisper-base does not know it",
        ),
        ("language_code=de", ServedModels((SPANISH,)), "the model knows only language 'es'"),
        (
            "speech_model=whisper-small",
            ALL,
            "speech_model whisper-small is not served here: the",
        ),
        ("speech_model=foo", ALL, "speech_model 'foo' is unknown"),
        ("speech_model=whisper-bse", ALL, "speech_model whisper-bse is not served here"),
        ("speech_model=moonshine-nano", ENGLISH_ONLY, "speech_model moonshine-nano is not served here"),
        ("language_codes=de,xx", ALL, "'xx': whisper-base does not know it"),
        ("speech_model=universal-streaming-multilingual", ENGLISH_ONLY, "the model knows only English"),
        (
            "language_detection=true",
            ALL,
            "language_detection is accepted and has no effect: all speech",
        ),
        ("speech_model=whisper-base&filter_profanity=true", ALL, "filter_profanity knows only English"),
        ("speech_model=whisper-base&redact_pii=true&redact_pii_policies=date", ALL, "it hides less in other"),
    ],
)
def test_what_is_not_done_is_said(query, models, warning):
    (text,) = (text for text in open_session(query, models).options.warnings if "partial" not in text)
    assert warning in text


def test_personal_data_in_another_language_is_not_shown_by_mistake():
    with pytest.raises(ProtocolViolation, match="redact_pii knows only English, not 'es'"):
        open_session("language_code=es&redact_pii=true&redact_pii_policies=date")


def test_the_first_message_names_the_model():
    for query, name in (
        ("speech_model=whisper-base", "whisper-base"),
        ("speech_model=whisper-small", "moonshine-tiny-en"),
        ("speech_model=u3-rt-pro", "u3-rt-pro"),
        ("speech_model=foo", "universal-streaming-english"),
    ):
        assert open_session(query)._handshake.configuration.model == name


def test_a_default_of_another_language():
    options = open_session("", SPANISH_FIRST).options
    assert (options.model, options.languages, options.warnings) == (SPANISH.name, ("es",), ())


def test_the_language_can_change_within_the_model():
    dialect = open_session("speech_model=whisper-base&language_code=fr")
    assert dialect.decode('{"type": "UpdateConfiguration", "language_codes": ["de"]}') == (
        Configure(languages=("de",)),
    )
    assert dialect.decode('{"type": "UpdateConfiguration", "language_codes": ["multi"]}') == (
        Configure(languages=()),
    )
    assert dialect.decode('{"type": "UpdateConfiguration", "language_codes": []}') == (
        Configure(languages=()),
    )
    assert dialect.decode('{"type": "UpdateConfiguration", "language_codes": ["xx"]}') == (
        Configure(),
        Warn("language_codes 'xx': whisper-base does not know it"),
    )


def test_turns_say_which_language_was_heard():
    dialect = open_session("speech_model=whisper-base&language_detection=true")
    assert dialect.options.detects_language
    turn = TurnUpdated(
        0, 0, 100, (Word("Hallo.", 0, 100, 0.9, True),), True, language="de", language_probability=0.97
    )
    (message,) = dialect.encode(turn, 0.0)
    assert '"language_code":"de","language_confidence":0.97' in message
    (message,) = dialect.encode(TurnUpdated(0, 0, 100), 0.0)
    assert "language_code" not in message


@pytest.mark.parametrize("codes", ['["de"]', '["en", "de"]'])
def test_an_update_does_not_show_what_was_to_be_hidden(codes):
    query = "speech_model=whisper-base&language_code=en&redact_pii=true&redact_pii_policies=date"
    dialect = open_session(query)
    with pytest.raises(ProtocolViolation, match="redact_pii knows only English, not 'de'"):
        dialect.decode(f'{{"type": "UpdateConfiguration", "language_codes": {codes}}}')
    _, warning = dialect.decode('{"type": "UpdateConfiguration", "language_codes": ["multi"]}')
    assert "it hides less in other languages" in warning.text


def test_an_update_says_what_is_english_only():
    dialect = open_session("speech_model=whisper-base")
    message = '{"type": "UpdateConfiguration", "language_codes": ["de"], "filter_profanity": true}'
    _, warning = dialect.decode(message)
    assert "filter_profanity knows only English" in warning.text


def test_a_prompt_is_for_a_model_that_takes_one():
    options = open_session("speech_model=whisper-base&prompt=Cafe%CC%81  %0A de Flore.").options
    assert (options.prompt, options.warnings) == ("Caf\u00e9 de Flore.", ())
    options = open_session("prompt=Hello").options
    assert options.prompt == ""
    assert options.warnings == ("prompt is accepted and has no effect: the model takes no prompt",)


def test_a_prompt_can_change_during_a_session():
    dialect = open_session("speech_model=whisper-base&prompt=Hello")
    for given, prompt in (("Petrova.", "Petrova."), ("", ""), (" ", "")):
        message = json.dumps({"type": "UpdateConfiguration", "prompt": given})
        assert dialect.decode(message) == (Configure(prompt=prompt),)
    assert dialect.decode('{"type": "UpdateConfiguration", "prompt": null}') == (Configure(),)
    with pytest.raises(ProtocolViolation, match="prompt must have at most 1750 characters, got 1751"):
        dialect.decode(json.dumps({"type": "UpdateConfiguration", "prompt": "a" * 1_751}))


# --- translation ----------------------------------------------------------------------------------

UNABLE = "task is accepted and has no effect: moonshine-tiny-en can't translate"
TRANSLATE = "task=translate"


@pytest.mark.parametrize(
    ("query", "model", "translates", "warnings"),
    [
        ("task=transcribe", ENGLISH, False, ()),
        (TRANSLATE, MANY, True, ()),
        (f"{TRANSLATE}&language_code=es", MANY, True, ()),
        (f"{TRANSLATE}&language_code=en", ENGLISH, False, ()),
        (f"{TRANSLATE}&speech_model=whisper-base&language_code=en", MANY, True, ()),
        (f"{TRANSLATE}&speech_model=moonshine-tiny-en&language_code=en-GB", ENGLISH, False, ()),
        (f"{TRANSLATE}&speech_model=moonshine-tiny-en", ENGLISH, False, (UNABLE,)),
    ],
)
def test_a_task_needs_a_model_that_translates(query, model, translates, warnings):
    options = open_session(query).options
    assert (options.model, options.translates, options.warnings) == (model.name, translates, warnings)


def test_without_a_model_that_translates_the_language_chooses():
    models = ServedModels((ENGLISH, SPANISH))
    options = open_session(f"{TRANSLATE}&language_code=es", models).options
    assert (options.model, options.translates, options.commit_words) == (SPANISH.name, False, True)
    assert options.warnings == (UNABLE.replace(ENGLISH.name, SPANISH.name),)
    assert open_session(TRANSLATE, ENGLISH_ONLY).options.warnings == (UNABLE,)


@pytest.mark.parametrize(
    ("query", "commits"),
    [
        (TRANSLATE, False),
        (f"{TRANSLATE}&language_code=de", False),
        (f"{TRANSLATE}&speech_model=whisper-base&language_code=en", False),  # the language may change
        ("speech_model=whisper-base", True),
    ],
)
def test_no_word_of_a_translation_is_final_before_its_turn_ends(query, commits):
    options = open_session(query).options
    assert options.commit_words == commits
    assert options.report_pauses == commits  # the text at a pause would be contradicted at the end


def test_another_task_is_refused():
    with pytest.raises(ProtocolViolation, match="task must be one of transcribe, translate, got 'summarise'"):
        open_session("task=summarise")


def test_a_translation_is_masked_and_redacted_as_english():
    query = f"{TRANSLATE}&language_code=de&filter_profanity=true"
    assert open_session(query).options.warnings == ()
    dialect = open_session(f"{query}&redact_pii=true&redact_pii_policies=date")
    assert dialect.options.redaction is not None
    (warning,) = dialect.options.warnings
    assert warning == "redact_pii knows only English: it hides less where the model leaves words untranslated"
    message = '{"type": "UpdateConfiguration", "language_codes": ["fr"], "filter_profanity": true}'
    change, warned = dialect.decode(message)
    assert change == Configure(languages=("fr",), filter_profanity=True)
    assert warned == Warn(warning)
