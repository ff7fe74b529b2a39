"""Enrols a voice: finds the speech in audio, checks that it is of one voice, and computes its embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from vivavoce.asr.audio import Intake
from vivavoce.asr.engine.voices import hear_turns
from vivavoce.asr.session.speech import SpeechTracker, TrackerState
from vivavoce.asr.speakers import Stretch, VoiceBook, parts_of
from vivavoce.errors import AudioError
from vivavoce.types import MODEL_RATE_HZ, Encoding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.asr.audio import Samples
    from vivavoce.asr.engine.voices import HeardPiece, VoiceModels
    from vivavoce.asr.models.base import SpeechDetector

__all__ = ["LEAST_SPEECH_S", "MOST_SPEECH_S", "Enrolment"]

LEAST_SPEECH_S: Final = 10.0
"""Speech that a voice needs, pauses not counted, in seconds."""
MOST_SPEECH_S: Final = 120.0
"""Speech beyond this is left out, in seconds."""

_LONGEST_GAP_S: Final = 0.5  # within a stretch, as within an utterance
_SECOND_VOICE_S: Final = 1.0  # of another voice; less may be an error of the model

Floats: TypeAlias = npt.NDArray[np.float32]


class Enrolment:
    """Collects the speech of one voice. It keeps no audio beyond its own life."""

    def __init__(self, detector: SpeechDetector, sample_rate: int) -> None:
        """Begin without speech.

        Args:
            detector: Detects speech.
            sample_rate: Rate of the audio, in Hz.
        """
        self._detector = detector
        self._state = detector.initial_state()
        self._intake = Intake(sample_rate, Encoding.PCM_S16LE)
        self._tracker = SpeechTracker()
        self._rest: Samples = np.zeros(0, np.float32)  # less than a frame
        self._frames: list[Samples] = []  # since the last speech before a long pause
        self._first = 0  # index of the first of them
        self._is_speech: list[bool] = []  # of each of them
        self._stretches: list[Stretch] = []
        self._n_speech = 0  # frames of speech in stretches that are over

    @property
    def speech_s(self) -> float:
        """Speech so far, without pauses, in seconds."""
        frames = self._n_speech + sum(self._is_speech)
        return frames * self._detector.frame_samples / MODEL_RATE_HZ

    @property
    def is_full(self) -> bool:
        """Whether more speech is left out."""
        return self.speech_s >= MOST_SPEECH_S

    def feed(self, data: bytes) -> None:
        """Take the next 16-bit little-endian samples of one channel, unless there is enough speech."""
        if not self.is_full:
            self._take(self._intake.feed(self._intake.decode(data)))

    def embedding(self, models: VoiceModels) -> Floats:
        """Return the embedding of the voice: the mean of those of its windows, shape (width,).

        Its length is at most 1, and less the less alike the windows are. So its product with another
        embedding is the mean cosine of all pairs, which is what `VoiceBook` compares. Made as long as 1, it
        would seem more alike to everybody: strangers would get its name.

        Args:
            models: What tells voices apart.

        Raises:
            AudioError: There is too little speech, or more than one voice.
        """
        self._take(self._intake.finish())
        self._end_stretch()
        if self.speech_s < LEAST_SPEECH_S:
            raise AudioError(
                f"a voice needs {LEAST_SPEECH_S:g} s of speech, and there are {self.speech_s:.1f} s (pauses "
                "do not count): use a longer recording"
            )
        turns = hear_turns(models, [[part] for each in self._stretches for part in parts_of(each)])
        _check_one_voice(models, turns)
        heard = [piece for turn in turns for piece in turn if len(piece.windows)]
        if not heard:
            raise AudioError(
                "the speech is in pieces too short to tell whose voice it is: use another recording"
            )
        weights = np.concatenate([piece.weights for piece in heard])
        mean: Floats = weights @ np.concatenate([piece.windows for piece in heard]) / weights.sum()
        return mean

    def _take(self, samples: Samples) -> None:
        size = self._detector.frame_samples
        samples = np.concatenate([self._rest, samples])
        n = len(samples) // size
        frames, self._rest = samples[: n * size].reshape(n, size), samples[n * size :]
        if not n:
            return
        [(self._state, probabilities)] = self._detector.detect([(self._state, frames)])
        for frame, probability in zip(frames, probabilities, strict=True):
            self._take_frame(frame, float(probability))

    def _take_frame(self, frame: Samples, probability: float) -> None:
        before = self._tracker.state
        state = self._tracker.push(probability)
        self._frames.append(frame)
        self._is_speech.append(state is TrackerState.SPEAKING)
        if before is TrackerState.STARTING and state is TrackerState.SPEAKING:
            begin = self._tracker.first_speech_frame - self._first
            self._is_speech[begin:] = [True] * (len(self._is_speech) - begin)
        gap_s = self._tracker.pause_frames * self._detector.frame_samples / MODEL_RATE_HZ
        if gap_s > _LONGEST_GAP_S:
            self._tracker.close()
            self._end_stretch()
        elif state is TrackerState.QUIET:
            self._end_stretch()

    def _end_stretch(self) -> None:
        """Keep the speech of the frames since the last stretch, without the silence around it."""
        if any(self._is_speech):
            places = [place for place, is_speech in enumerate(self._is_speech) if is_speech]
            start = (self._first + places[0]) * self._detector.frame_samples
            self._stretches.append(Stretch(start, np.concatenate(self._frames[places[0] : places[-1] + 1])))
            self._n_speech += len(places)
        self._first += len(self._frames)
        self._frames, self._is_speech = [], []


def _check_one_voice(models: VoiceModels, turns: Sequence[Sequence[HeardPiece]]) -> None:
    """Refuse speech of several voices.

    Args:
        models: What tells voices apart.
        turns: The pieces of each part of the speech.

    Raises:
        AudioError: The segmentation model finds several in a part, or the embeddings of all are of several.
    """
    of_parts = [_lengths_s((each.segment, each) for each in turn) for turn in turns]
    pieces = [piece for turn in turns for piece in turn]
    book = VoiceBook(tuning=models.embedder.tuning)
    for number, piece in enumerate(pieces):
        book.hear(number, piece.windows, piece.weights)
    of_all = _lengths_s((voice, pieces[number]) for number, voice in book.revised().items())
    for lengths in (of_all, *of_parts):
        if len([length for length in lengths if length >= _SECOND_VOICE_S]) > 1:
            raise AudioError(
                "more than one person speaks in this audio: use a recording of one person, without others in "
                "the background"
            )


def _lengths_s(pieces: Iterable[tuple[int, HeardPiece]]) -> list[float]:
    """How long each voice speaks, in seconds, from pieces with the numbers of their voices."""
    found: dict[int, float] = {}
    for voice, heard in pieces:
        found[voice] = found.get(voice, 0.0) + heard.piece.length / MODEL_RATE_HZ
    return list(found.values())
