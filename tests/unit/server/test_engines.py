"""What the protocols are told about the models of a server."""

from dataclasses import replace
from pathlib import Path

import pytest

from vivavoce.errors import ModelError
from vivavoce.model_files import ChosenModel
from vivavoce.model_files.languages import WHISPER_LANGUAGES
from vivavoce.server import ServerOptions
from vivavoce.server.engines import served_models, voices_of

ENGLISH = ChosenModel("moonshine-tiny-en", "moonshine", ("en",))
GERMAN = ChosenModel("moonshine-streaming-tiny-de", "moonshine-streaming", ("de",))
WHISPER = ChosenModel("whisper-base", "whisper", WHISPER_LANGUAGES, Path("base"))
WHISPER_ENGLISH = ChosenModel("whisper-tiny.en", "whisper", ("en",), Path("tiny.en"))
TURBO = ChosenModel("whisper-large-v3-turbo", "whisper", WHISPER_LANGUAGES)


def served(model, final=None):
    (found,) = served_models(ServerOptions(models=(model,), final_model=final)).models
    return found


def test_models_have_their_names_and_languages():
    models = served_models(ServerOptions(models=(ENGLISH, GERMAN))).models
    assert [(model.name, model.languages) for model in models] == [
        ("moonshine-tiny-en", ("en",)),
        ("moonshine-streaming-tiny-de", ("de",)),
    ]


@pytest.mark.parametrize(
    ("model", "final", "takes_prompt"),
    [
        (ENGLISH, None, False),
        (GERMAN, None, False),
        (WHISPER, None, True),
        (WHISPER_ENGLISH, None, True),
        (ENGLISH, WHISPER, True),
        (GERMAN, WHISPER_ENGLISH, False),  # which knows no German, so that finals are those of the first
        (WHISPER_ENGLISH, ENGLISH, False),
        (WHISPER, WHISPER, True),
    ],
)
def test_a_prompt_has_an_effect_if_the_model_of_the_finals_takes_one(model, final, takes_prompt):
    assert served(model, final).takes_prompt == takes_prompt


@pytest.mark.parametrize(
    ("model", "final", "translates"),
    [
        (ENGLISH, None, False),
        (GERMAN, None, False),
        (WHISPER, None, True),
        (WHISPER_ENGLISH, None, False),
        (TURBO, None, False),
        (GERMAN, WHISPER, False),  # partials would be German
        (WHISPER, TURBO, False),  # finals would not be English
        (WHISPER, ENGLISH, True),  # whose finals are its own
    ],
)
def test_a_session_is_translated_if_all_its_models_can(model, final, translates):
    assert served(model, final).translates == translates


def test_a_folder_of_a_user_translates_if_its_model_can():
    german = ChosenModel("sprecher", "whisper", ("de",), Path("mine"))
    assert german.translates
    assert not replace(german, folder=Path("faster-whisper-large-v3-TURBO")).translates
    assert not replace(german, languages=("en",)).translates


def test_a_voice_encoder_that_is_none_stops_the_server_before_a_session_asks(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    assert voices_of(ServerOptions(speaker_model="none")) is None
    file = tmp_path / "voices.onnx"
    file.write_bytes(b"\x08\x07")
    assert voices_of(ServerOptions(speaker_model=str(file))) is not None
    file.write_text("no model")
    with pytest.raises(ModelError, match=r"voices\.onnx is no voice encoder"):
        voices_of(ServerOptions(speaker_model=str(file)))
    with pytest.raises(ModelError, match="run vivavoce models get wespeaker-resnet34"):
        voices_of(ServerOptions(speaker_model="wespeaker-resnet34"))
