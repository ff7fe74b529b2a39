"""One session served by hand: no threads, no event loop, no clock.

The whole recognition in one place: frames become speech probabilities, requests become passes, until nothing
is left to do. The engine does the same for many sessions at once. Tests and benchmarks use the pump.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.asr.models import recognise_in

if TYPE_CHECKING:
    from vivavoce.asr.models import Recogniser, SpeechDetector
    from vivavoce.asr.session import SessionMachine

__all__ = ["Pump"]


class Pump:
    """Serves one session, step by step, with a recogniser and a speech detector.

    ::

        pump = Pump(session, load_recogniser(), load_detector())
        for chunk in chunks:
            session.receive(Audio(chunk), now)
            pump.run()
            for event in session.take_events(): ...
    """

    def __init__(
        self,
        session: SessionMachine,
        recogniser: Recogniser,
        detector: SpeechDetector,
        *,
        cadence_ms: float | None = None,
        reviser: Recogniser | None = None,
    ) -> None:
        """Prepare to serve.

        Args:
            session: The session.
            recogniser: Decodes its passes.
            detector: Detects speech in its frames.
            cadence_ms: Audio between two partial passes, in milliseconds; None: that of the session's tuning.
            reviser: The better recogniser of finals, for a session whose tuning says that there is one.
        """
        self._session = session
        self._cadence_ms = cadence_ms
        self._batch = recogniser.open_batch()  # holds a pass at a time
        self._better = None if reviser is None else reviser.open_batch()
        self._detector = detector
        self._state = detector.initial_state()  # of the detector, for this session

    def detect(self, limit: int = 64) -> bool:
        """Give the detector the frames that are ready, ``limit`` at most; returns whether there were any."""
        frames = self._session.take_frames(limit, cadence_ms=self._cadence_ms)
        if frames is None:
            return False
        [(self._state, probabilities)] = self._detector.detect([(self._state, frames)])
        self._session.apply_probabilities(probabilities)
        return True

    def decode(self) -> bool:
        """Decode the most urgent pass; returns whether one was due."""
        request = self._session.next_pass(self._cadence_ms)
        if request is None:
            return False
        [hypothesis] = recognise_in(self._batch, [self._session.begin_pass(request)])
        self._session.apply_hypothesis(request, hypothesis)
        return True

    def revise(self) -> bool:
        """Decode the next utterance again, by the better recogniser; returns whether one was due."""
        request = None if self._better is None else self._session.next_revision()
        if request is None or self._better is None:
            return False
        [hypothesis] = recognise_in(self._better, [self._session.begin_revision(request)])
        self._session.apply_revision(request, hypothesis)
        return True

    def run(self) -> None:
        """Repeat all until the session needs nothing more; frames go first."""
        while self.detect() or self.decode() or self.revise():
            pass
