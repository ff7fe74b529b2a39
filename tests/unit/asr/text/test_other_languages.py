"""Words of languages that have no rules here are neither formatted nor masked."""

import pytest

from vivavoce.asr.text import TurnRenderer
from vivavoce.types import Word

GERMAN = ["Der", "Dick", "hat", "zwanzig", "Euro,", "nicht?"]


def words(*texts, final=True):
    return [Word(text, 100 * at, 100 * at + 90, 0.9, final) for at, text in enumerate(texts)]


def texts(rendered):
    return [word.text for word in rendered]


def renderer(**options):
    return TurnRenderer(is_english=False, masks_profanity=True, **options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, GERMAN),
        ({"punctuates": False}, ["Der", "Dick", "hat", "zwanzig", "Euro", "nicht"]),
        ({"formats": False}, ["der", "dick", "hat", "zwanzig", "euro,", "nicht?"]),
        ({"formats": False, "punctuates": False}, ["der", "dick", "hat", "zwanzig", "euro", "nicht"]),
    ],
)
def test_finals_are_what_the_model_wrote(options, expected):
    assert texts(renderer(**options).final(words(*GERMAN))) == expected


@pytest.mark.parametrize("formats_partials", [True, False])
def test_partials_and_finals_agree(formats_partials):
    it = renderer(formats=formats_partials, punctuates=formats_partials, formats_partials=formats_partials)
    spoken = [*words(*GERMAN[:4]), *words(*GERMAN[4:], final=False)]
    frozen = it.freeze(spoken)
    assert len(frozen.words) == 4
    partial = it.partial(spoken, frozen)
    assert [word.is_final for word in partial] == [True] * 4 + [False] * 2
    assert texts(it.final(words(*GERMAN), frozen)) == texts(partial)


def test_english_is_formatted_as_before():
    assert texts(TurnRenderer().final(words("Twenty", "five", "dollars."))) == ["$25."]
