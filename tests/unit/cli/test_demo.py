"""The closing line of ``vivavoce demo``, and its recording."""

import itertools

import pytest

from vivavoce.cli.app import run
from vivavoce.cli.demo import closing_line
from vivavoce.cli.demo_latency import LatencySummary
from vivavoce.cli.demo_recording import demo_reference

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")


def test_the_closing_line():
    summary = LatencySummary(words=118, utterances=9, first_word_s=0.512, word_s=0.44, final_s=0.861)
    assert closing_line(summary, audio_s=44.37, cpu_s=8.9) == (
        "118 words in 9 utterances from 44.4 s of audio, real-time factor 0.20, first word after 0.51 s, "
        "words after 0.44 s (median), finals after 0.86 s (median)"
    )
    bare = LatencySummary(words=3, utterances=1, first_word_s=None, word_s=None, final_s=None)
    assert closing_line(bare, audio_s=2, cpu_s=None) == "3 words in 1 utterance from 2.0 s of audio"


@pytest.mark.parametrize("audio_s", [0.0, 0.1, 0.99])
def test_a_demo_that_is_cut_at_once_has_no_figures(audio_s):
    summary = LatencySummary(words=0, utterances=0, first_word_s=None, word_s=None, final_s=None)
    line = closing_line(summary, audio_s=audio_s, cpu_s=1.7)
    assert line == f"interrupted after {audio_s:.1f} s of audio"


def test_a_missing_recording_prints_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run(["demo"]) == 1
    assert 'pip install "vivavoce[server]"' in capsys.readouterr().err


def test_the_reference_words_are_in_order():
    words = demo_reference()
    assert " ".join(word.text for word in words).startswith("it was the best of times it was the worst")
    assert all(a.start_s < a.end_s <= b.start_s for a, b in itertools.pairwise(words))
    assert words[-1].end_s < 44.4
