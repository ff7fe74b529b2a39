"""How wrong a diarization is: the diarization error rate, and which label stands for which speaker.

Source of the definition: National Institute of Standards and Technology, "Rich Transcription 2009 Meeting
Recognition Evaluation Plan", 2009; of its form here, with every speaker of overlapping speech counted:
H. Bredin, "pyannote.metrics: a toolkit for reproducible evaluation, diagnostic, and error analysis of speaker
diarization systems", 2017.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DiarizationError", "Spoken", "best_assignment", "diarization_error"]

Activity: TypeAlias = npt.NDArray[np.bool_]
"""Who speaks when, shape (speakers, stretches of time)."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Speech of one speaker, in seconds from the start of the audio."""

    start_s: float
    end_s: float
    speaker: str


@dataclass(frozen=True, slots=True)
class DiarizationError:
    """What is wrong, in seconds; the errors of several recordings can be added.

    Attributes:
        speech_s: Speech of the reference; where two people speak, it counts twice.
        missed_s: Speech that the hypothesis lacks.
        false_alarm_s: Speech that the hypothesis has in excess.
        confused_s: Speech of somebody else.
    """

    speech_s: float = 0.0
    missed_s: float = 0.0
    false_alarm_s: float = 0.0
    confused_s: float = 0.0

    @property
    def rate(self) -> float:
        """All that is wrong, as a part of the speech; it may exceed 1. Without speech: 0."""
        wrong_s = self.missed_s + self.false_alarm_s + self.confused_s
        return wrong_s / self.speech_s if self.speech_s else 0.0

    def __add__(self, other: DiarizationError) -> DiarizationError:
        return DiarizationError(
            self.speech_s + other.speech_s,
            self.missed_s + other.missed_s,
            self.false_alarm_s + other.false_alarm_s,
            self.confused_s + other.confused_s,
        )


def best_assignment(together: npt.NDArray[np.number]) -> dict[int, int]:
    """Assign columns to rows one to one, such that the sum of what they have together is greatest.

    Args:
        together: What each row has in common with each column, not negative, shape (rows, columns); at most
            about 15 rows.

    Returns:
        Rows by column; more columns than rows leave some without.
    """
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}  # by the set of rows that are taken
    for column in together.T:
        before, best = best, {}
        for taken, (count, rows) in before.items():
            for row in (-1, *(each for each in range(len(together)) if not taken >> each & 1)):
                total = count + (float(column[row]) if row >= 0 else 0.0)
                more = taken | 1 << row if row >= 0 else taken
                if more not in best or total > best[more][0]:
                    best[more] = (total, (*rows, row))
    return {column: row for column, row in enumerate(max(best.values())[1]) if row >= 0}


def diarization_error(
    reference: Sequence[Spoken], hypothesis: Sequence[Spoken], collar_s: float = 0.25
) -> DiarizationError:
    """Compare a hypothesis with the reference.

    At any time R people speak by the reference and H by the hypothesis, C of them the same under the best
    one-to-one assignment of labels to speakers. Then max(0, R - H) are missed, max(0, H - R) are a false
    alarm, and min(R, H) - C are confused. Overlapping speech counts.

    Args:
        reference: Who speaks when.
        hypothesis: The same by a diarizer; its names need not be those of the reference.
        collar_s: Audio on each side of each start and end in the reference that does not count, in seconds.
            (pyannote.metrics calls twice that the collar.)
    """
    edges = [edge for each in reference for edge in (each.start_s, each.end_s)]
    cuts = {edge + side for edge in edges for side in (-collar_s, collar_s)}
    cuts.update(edges, *((each.start_s, each.end_s) for each in hypothesis))
    times = np.array(sorted(cuts))
    lengths, middles = np.diff(times), (times[1:] + times[:-1]) / 2
    near = np.zeros(len(middles), bool)
    for edge in edges:
        near |= np.abs(middles - edge) < collar_s
    lengths = np.where(near, 0.0, lengths)
    said, heard = _activity(reference, middles), _activity(hypothesis, middles)
    together = (said * lengths) @ heard.T.astype(float)
    right_s = sum(float(together[row, column]) for column, row in best_assignment(together).items())
    n_said, n_heard = said.sum(axis=0), heard.sum(axis=0)
    return DiarizationError(
        float(n_said @ lengths),
        float(np.maximum(0, n_said - n_heard) @ lengths),
        float(np.maximum(0, n_heard - n_said) @ lengths),
        max(0.0, float(np.minimum(n_said, n_heard) @ lengths) - right_s),  # rounded sums may differ
    )


def _activity(spoken: Sequence[Spoken], times: npt.NDArray[np.float64]) -> Activity:
    """Whether each speaker speaks at each time; speakers in the order of their names."""
    ordered = sorted(spoken, key=lambda each: each.speaker)
    found = [
        np.any([(each.start_s < times) & (times < each.end_s) for each in group], axis=0)
        for _, group in itertools.groupby(ordered, key=lambda each: each.speaker)
    ]
    return np.array(found, bool).reshape(len(found), len(times))
