"""How sure it is that a turn is over: a logistic model over what was heard and the silence since."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from vivavoce.asr.session.speech.last_words import counts_on, leaves_open
from vivavoce.asr.session.speech.prosody import Prosody

__all__ = ["Evidence", "confidence_after", "earliest_pause_ms", "log_odds_after_1_s"]

_UNHEARD: Final = Prosody()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a turn in a pause.

    Attributes:
        words: As the recogniser wrote them.
        mark_probability: Which it gives its last token, most often a mark; 0 to 1.
        spoken_ms: How much of the turn is speech.
        prosody: How the voice fell.
        usual_pause_ms: After how long a pause this speaker usually goes on.
        end_probability: That the turn is over, by a model of the sound alone; None without one.
    """

    words: tuple[str, ...]
    mark_probability: float = 1.0
    spoken_ms: float = 1_000.0
    prosody: Prosody = _UNHEARD
    usual_pause_ms: float = 400.0
    end_probability: float | None = None


@dataclass(frozen=True, slots=True)
class _Weights:
    """What each part is worth, in log-odds.

    Attributes:
        bias: After 1 s of silence, everything else being zero.
        mark: Log-odds of a closing mark, within ±4.6; -1 stands for a turn without one.
        leaves_open: The last word is an article, a conjunction, a preposition, a possessive, a hesitation.
        counts_on: The last words are figures or letters.
        spoken: Logarithm of the seconds of speech, 0.2 to 3: most pauses inside a sentence come early.
        fall_db: Fall of loudness, 10 dB, from 15; within ±1.5.
        fall_pitch: Fall of pitch, half an octave; within ±1.
        usual_pause: Logarithm of the speaker's usual pause, 400 ms.
        end_probability: Log-odds from the model of the sound, within ±3.9.
    """

    bias: float
    mark: float
    leaves_open: float
    counts_on: float
    spoken: float
    fall_db: float
    fall_pitch: float
    usual_pause: float
    end_probability: float = 0.0


# Fitted to pauses of read, prompted and ordered speech, and of strings of digits and letters said slowly,
# on one half of the speakers, and checked on the other, both ways round; these are of both halves. Which,
# and how well it does, is in docs/performance.md, "When a turn is over". Two numbers are no fit: the bias,
# and how fast silence counts, were chosen on one half, as the fastest with at most a cut in 10 minutes of
# read speech, and checked on the other. The fit itself would let silence count less (2.2), so that what
# sounds most like an end ends after 0.4 s; but the end of a clause, read aloud, sounds like one, too, and
# only silence tells them apart.
_BY_WORDS: Final = _Weights(
    bias=-3.68,
    mark=0.28,
    leaves_open=-0.51,
    counts_on=-0.81,
    spoken=2.29,
    fall_db=0.43,
    fall_pitch=0.42,
    usual_pause=-1.15,
)
_BY_SOUND_TOO: Final = _Weights(
    bias=-4.13,
    mark=0.23,
    leaves_open=-0.42,
    counts_on=-0.76,
    spoken=2.40,
    fall_db=0.31,
    fall_pitch=0.41,
    usual_pause=-0.74,
    end_probability=0.20,
)
_SILENCE: Final = 6.0
"""Log-odds for each factor of e in the length of the pause."""

_CLOSING: Final = (".", "?", "!")
_NO_MARK: Final = -1.0
_LEAST_MARK: Final = 0.01
_LEAST_END: Final = 0.02
_USUAL_FALL_DB: Final = 15.0
_MOST_LOG_ODDS: Final = 1.5
"""More than `log_odds_after_1_s` gives to what sounds most like an end."""


def log_odds_after_1_s(evidence: Evidence) -> float:
    """Log-odds that a turn is over once nobody has spoken for a second."""
    heard = evidence.end_probability
    weights = _BY_WORDS if heard is None else _BY_SOUND_TOO
    words = evidence.words
    is_marked = bool(words) and words[-1].rstrip("\"')").endswith(_CLOSING)
    return (
        weights.bias
        + weights.mark * (_log_odds(evidence.mark_probability, _LEAST_MARK) if is_marked else _NO_MARK)
        + weights.leaves_open * leaves_open(words)
        + weights.counts_on * counts_on(words)
        + weights.spoken * math.log(_within(evidence.spoken_ms / 1_000, 0.2, 3.0))
        + weights.fall_db * _within((evidence.prosody.fall_db - _USUAL_FALL_DB) / 10, -1.5, 1.5)
        + weights.fall_pitch * _within(evidence.prosody.fall_semitones / 6, -1.0, 1.0)
        + weights.usual_pause * math.log(evidence.usual_pause_ms / 400)
        + (0.0 if heard is None else weights.end_probability * _log_odds(heard, _LEAST_END))
    )


def confidence_after(pause_ms: float, log_odds: float) -> float:
    """How sure it is that a turn is over, 0 to 1.

    Args:
        pause_ms: Since speech was last heard; 0: somebody speaks.
        log_odds: From `log_odds_after_1_s`.
    """
    if pause_ms <= 0:
        return 0.0
    return 1 / (1 + math.exp(-log_odds - _SILENCE * math.log(max(pause_ms, 1.0) / 1_000)))


def earliest_pause_ms(threshold: float) -> float:
    """Silence before which no turn is over, however much it sounds like its end.

    Args:
        threshold: Of the confidence, above 0 and below 1.
    """
    least = math.log(threshold / (1 - threshold)) - _MOST_LOG_ODDS
    return 1_000 * math.exp(least / _SILENCE)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _log_odds(probability: float, least: float) -> float:
    bounded = _within(probability, least, 1 - least)
    return math.log(bounded / (1 - bounded))
