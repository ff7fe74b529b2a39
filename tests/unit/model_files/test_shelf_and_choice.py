"""What is on the shelf, and which model a name or a folder means."""

import json

import pytest

from vivavoce.errors import ModelError
from vivavoce.model_files import (
    CATALOGUE,
    DEFAULT_MODEL,
    VOICE_CATALOGUE,
    Card,
    RemoteFile,
    Shelf,
    choose,
    models_folder,
    voice_file,
)
from vivavoce.model_files.languages import WHISPER_LANGUAGES, base_code
from vivavoce.model_files.shelf import RECORD, Problem, checksum

CARD = Card("small-one", "made-up", ("en",), "MIT", 1, "a/b", "main", (RemoteFile("one"), RemoteFile("two")))


def put_on(shelf, card=CARD, content=b"content"):
    source = shelf.folder / ".incomplete" / card.name
    source.mkdir(parents=True)
    for file in card.files:
        (source / file.name).write_bytes(content)
    return shelf.put_on(card, source)


def test_a_model_is_there_when_it_is_complete(tmp_path):
    shelf = Shelf(tmp_path)
    assert not shelf.has(CARD)
    with pytest.raises(ModelError, match="small-one is not here: run vivavoce models get small-one"):
        shelf.verify(CARD)
    folder = put_on(shelf)
    assert shelf.has(CARD)
    assert shelf.verify(CARD) == []
    record = json.loads((folder / RECORD).read_text())
    assert record["files"]["one"] == {"bytes": 7, "sha256": checksum(folder / "one")}


def test_verify_names_each_file_that_is_wrong(tmp_path):
    shelf = Shelf(tmp_path)
    folder = put_on(shelf)
    (folder / "one").write_bytes(b"cOntent")
    (folder / "two").unlink()
    assert shelf.verify(CARD) == [
        Problem("one", "has another content than its checksum says"),
        Problem("two", "is missing"),
    ]
    assert not shelf.has(CARD)
    (folder / "two").write_bytes(b"content")
    (folder / RECORD).write_text("[]")
    assert {problem.reason for problem in shelf.verify(CARD)} == {"has no recorded checksum"}


def test_an_incomplete_model_is_replaced(tmp_path):
    shelf = Shelf(tmp_path)
    folder = put_on(shelf)
    (folder / "two").unlink()
    assert put_on(shelf, content=b"other") == folder
    assert (folder / "one").read_bytes() == b"other"
    assert shelf.verify(CARD) == []


def test_removing(tmp_path):
    shelf = Shelf(tmp_path)
    assert not shelf.remove(CARD)
    put_on(shelf)
    assert shelf.remove(CARD)
    assert not shelf.path_of(CARD).exists()


def test_the_folder_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv("VIVAVOCE_MODELS", str(tmp_path / "shared"))
    assert models_folder() == tmp_path / "shared"
    monkeypatch.delenv("VIVAVOCE_MODELS")
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    assert models_folder() == tmp_path / "cache" / "models"


@pytest.mark.parametrize("card", CATALOGUE.values(), ids=CATALOGUE)
def test_every_card_is_complete(card):
    assert card.licence
    assert card.languages
    vocabulary = "vocab.txt" if card.family == "onnx-asr" else "tokenizer.json"
    assert card.is_packaged or {"config.json", vocabulary} <= {file.name for file in card.files}
    for file in card.files:
        assert "/" not in file.name
        assert file.sha256 is None or len(bytes.fromhex(file.sha256)) == 32


@pytest.mark.parametrize("card", VOICE_CATALOGUE.values(), ids=VOICE_CATALOGUE)
def test_every_card_of_a_voice_encoder_is_pinned(card):
    assert card.licence
    assert not card.languages
    assert len(bytes.fromhex(card.revision)) == 20
    [file] = card.files
    assert len(bytes.fromhex(file.sha256)) == 32


def test_a_voice_encoder_is_found_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    card = VOICE_CATALOGUE["wespeaker-resnet34"]
    with pytest.raises(ModelError, match="is not here: run vivavoce models get wespeaker-resnet34"):
        voice_file(card.name)
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / card.files[0].name).write_bytes(b"weights")
    Shelf().folder.mkdir(parents=True)
    folder = Shelf().put_on(card, parts)
    assert voice_file(card.name) == str(folder / card.files[0].name)
    assert [voice_file(other) for other in ("auto", "ge2e", "./a.onnx")] == ["auto", "ge2e", "./a.onnx"]
    with pytest.raises(ModelError, match="tells voices apart and writes no text: use it as --speaker-model"):
        choose(card.name)


def test_the_first_card_is_the_default():
    assert next(iter(CATALOGUE)) == DEFAULT_MODEL
    assert choose(DEFAULT_MODEL).folder is None


def test_moonshine_base_is_untested_and_found_by_a_shorter_name():
    card = CATALOGUE["moonshine-base-en"]
    assert (card.family, card.languages, card.tested) == ("moonshine", ("en",), False)
    with pytest.raises(ModelError, match=r"do you mean moonshine-base-en\?"):
        choose("moonshine-base")


def test_languages():
    assert len(WHISPER_LANGUAGES) == len(set(WHISPER_LANGUAGES)) == 99
    assert [base_code(tag) for tag in ("en", "en-US", "DE_at", " zh-Hans ")] == ["en", "en", "de", "zh"]


def test_a_name_that_is_nearly_right_gets_a_hint():
    with pytest.raises(ModelError, match=r"no model is named 'whisper-bse': do you mean whisper-base\?"):
        choose("whisper-bse")
    with pytest.raises(ModelError, match="no model is named 'zzz': vivavoce models list has all names"):
        choose("zzz")
    with pytest.raises(ModelError, match=r"\./nowhere is no folder"):
        choose("./nowhere")


def write(folder, config=None, *others, content=b""):
    folder.mkdir()
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    for name in others:
        (folder / name).write_bytes(content)
    return str(folder)


def test_folders_are_recognised_by_their_files(tmp_path):
    streaming = {"model_type": "moonshine_streaming"}
    chosen = choose(write(tmp_path / "moonshine-streaming-tiny-es", streaming, "model.safetensors"))
    assert (chosen.name, chosen.family, chosen.languages) == (
        "moonshine-streaming-tiny-es",
        "moonshine-streaming",
        ("es",),
    )
    assert choose(write(tmp_path / "mine", streaming)).languages == ("en",)
    assert choose(write(tmp_path / "tiny", None, "encoder_model.ort")).family == "moonshine"
    base = choose(write(tmp_path / "moonshine-base-uk", {"model_type": "moonshine"}, "model.safetensors"))
    assert (base.family, base.languages) == ("moonshine", ("uk",))
    whisper = choose(write(tmp_path / "w", {}, "model.bin", "vocabulary.txt", content=b"x\n" * 51_865))
    assert (whisper.family, whisper.languages) == ("whisper", WHISPER_LANGUAGES)
    english = choose(write(tmp_path / "w.en", {}, "model.bin", "vocabulary.txt", content=b"x\n" * 51_864))
    assert english.languages == ("en",)
    parakeet = choose(write(tmp_path / "parakeet-de", {"model_type": "nemo-conformer-tdt"}))
    assert (parakeet.family, parakeet.languages, parakeet.is_for_finals) == ("onnx-asr", ("de",), True)
    assert not english.is_for_finals


def test_a_link_names_its_model(tmp_path, monkeypatch):
    folder = tmp_path / "snapshots" / "a1b2"
    folder.parent.mkdir()
    write(folder, {"model_type": "moonshine_streaming"})
    (tmp_path / "ours-es").symlink_to(folder)
    linked = choose(str(tmp_path / "ours-es"))
    assert (linked.name, linked.languages) == ("ours-es", ("es",))
    assert linked.folder.is_absolute()
    (folder / "inside").mkdir()
    monkeypatch.chdir(folder / "inside")
    assert choose("..").name == "a1b2"


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (None, "no model"),
        ({"model_type": "bert"}, "a model of type 'bert'"),
        ({"model_type": ["bert"]}, r"a model of type \['bert'\]"),
        ([1], "no model"),
    ],
)
def test_other_folders_are_refused(tmp_path, config, kind):
    with pytest.raises(ModelError, match=f"holds {kind}: expected"):
        choose(write(tmp_path / "folder", config))
