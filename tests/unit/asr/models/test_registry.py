"""Model families by name."""

import importlib
import sys

import pytest

from vivavoce.asr.models import load_detector, load_recogniser, load_turn_detector
from vivavoce.asr.models.base import Recogniser, SpeechDetector, TurnDetector
from vivavoce.asr.models.registry import RECOGNISERS, SPEECH_DETECTORS, TURN_DETECTORS
from vivavoce.errors import ModelError

FAMILIES = [
    *((place, Recogniser) for place in RECOGNISERS.values()),
    *((place, SpeechDetector) for place in SPEECH_DETECTORS.values()),
    *((place, TurnDetector) for place in TURN_DETECTORS.values()),
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
