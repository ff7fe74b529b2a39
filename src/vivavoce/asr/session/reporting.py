"""What a session tells its client, and in which order: turns are counted here and nowhere else."""

from __future__ import annotations

import dataclasses
from collections import deque
from typing import TYPE_CHECKING, Final

from vivavoce.asr.text import NOTHING_FROZEN, TurnRenderer
from vivavoce.protocol.events import (
    Configure,
    Heartbeat,
    SessionEvent,
    SessionOptions,
    SilenceDetected,
    TurnUpdated,
    Warned,
)
from vivavoce.types import PiiPolicy, Word

if TYPE_CHECKING:
    from vivavoce.asr.session.segmenter import Hearing
    from vivavoce.asr.session.utterance import Utterance

__all__ = ["Telling"]

_SAMPLES_PER_MS: Final = 16
_HEARTBEAT_S: Final = 5.0
_SILENCE_MS: Final = 1_000


class Telling:
    """Makes events of what was heard.

    Attributes:
        events: Those that were not taken yet, oldest first.
        options: What the client asked for, as changed since.
    """

    def __init__(self, options: SessionOptions, began: SessionEvent, now: float) -> None:
        """Begin with the event that tells the session began.

        Args:
            options: What the client asked for.
            began: That event.
            now: Wall time, in seconds.
        """
        self.options = options
        self.events: deque[SessionEvent] = deque([began, *map(Warned, options.warnings)])
        self._wording = _wording_of(options)
        self._turn_order = 0
        self._so_far: tuple[Word, ...] = ()  # of this turn, in utterances before the one that is open
        self._frozen = NOTHING_FROZEN  # to this turn
        self._told: tuple[Word, ...] = ()  # of this turn, last
        self._empty_told_ms = 0
        self._silence_told_ms = 0
        self._opened = now
        self._beat = now
        self._strongest = 0.0

    def configure(self, change: Configure) -> None:
        """Take over what was changed of how things are told."""
        changes = {
            "format_partials": change.format_turns,
            "format_finals": change.format_turns,
            "punctuate_finals": change.format_turns,
            "partials_ms": change.partials_ms,
            "first_partial_ms": change.first_partial_ms,
            "acknowledge_silence": change.acknowledge_silence,
            "heartbeat": change.heartbeat,
            "key_terms": change.key_terms,
            "filter_profanity": change.filter_profanity,
        }
        wanted = {name: value for name, value in changes.items() if value is not None}
        self.options = dataclasses.replace(self.options, **wanted)  # type: ignore[arg-type]
        self._wording = _wording_of(self.options)

    # --- turns ----------------------------------------------------------------------------------

    def partial(self, utterance: Utterance, confidence: float) -> None:
        """Tell the words of an open utterance, if they are others than were told last.

        Args:
            utterance: The utterance.
            confidence: How complete it sounds, 0 to 1.
        """
        formatted = self.options.format_partials
        if not self.options.partials:
            return
        said = (*self._so_far, *utterance.words(final=False))
        frozen = self._wording.freeze(said, self._frozen)
        words = self._wording.partial(said, frozen)
        if words == self._told:
            return
        self._told = words
        self._frozen = frozen
        self.events.append(
            TurnUpdated(
                self._turn_order,
                utterance.turn_start // _SAMPLES_PER_MS,
                utterance.asked_end // _SAMPLES_PER_MS,
                words,
                formatted=formatted,
                end_of_turn_confidence=confidence,
            )
        )

    def final(self, utterance: Utterance, position: int) -> None:
        """Tell an utterance that is over, and with it the turn, unless that goes on.

        Args:
            utterance: The utterance, its words known.
            position: Behind the last frame that was heard.
        """
        formatted = self.options.format_finals
        said = (*self._so_far, *utterance.words(final=True))
        self._empty_told_ms = position // _SAMPLES_PER_MS
        self._silence_told_ms = max(self._silence_told_ms, (utterance.end or 0) // _SAMPLES_PER_MS)
        if utterance.goes_on:
            self._so_far = said
            return
        words = self._wording.final(said, self._frozen)
        told = self._told
        self._so_far, self._frozen, self._told = (), NOTHING_FROZEN, ()
        ended = bool(words) or utterance.must_answer
        if not ended and not told:
            return
        # Words that were shown and turned out to be none are taken back by an empty update.
        self.events.append(
            TurnUpdated(
                self._turn_order,
                utterance.turn_start // _SAMPLES_PER_MS,
                (utterance.end or utterance.start) // _SAMPLES_PER_MS,
                words,
                ended=ended,
                formatted=formatted,
                end_of_turn_confidence=utterance.end_confidence if ended else 0.0,
                punctuated=self.options.punctuate_finals,
            )
        )
        self._turn_order += ended

    # --- silence --------------------------------------------------------------------------------

    def silence(self, hearing: Hearing) -> None:
        """Tell that nobody speaks, where that is wanted and it is time."""
        if not hearing.is_quiet or hearing.closing:
            return
        heard_ms = hearing.position // _SAMPLES_PER_MS
        every_ms = self.options.silence_updates_ms
        if every_ms is not None and self.options.partials and heard_ms - self._empty_told_ms >= every_ms:
            self._empty_told_ms = heard_ms
            self.events.append(
                TurnUpdated(self._turn_order, hearing.spoken_until // _SAMPLES_PER_MS, heard_ms)
            )
        if self.options.acknowledge_silence and heard_ms - self._silence_told_ms >= _SILENCE_MS:
            self.events.append(SilenceDetected(self._silence_told_ms, heard_ms))
            self._silence_told_ms = heard_ms

    # --- heartbeats -----------------------------------------------------------------------------

    def note_probability(self, strongest: float) -> None:
        """Note how sure the speech detector was at most, 0 to 1."""
        self._strongest = max(self._strongest, strongest)

    def heartbeat(self, audio_ms: float, now: float) -> None:
        """Tell how the session is doing, where that is wanted and it is time.

        Args:
            audio_ms: How much audio was received.
            now: Wall time, in seconds.
        """
        if not self.options.heartbeat or now - self._beat < _HEARTBEAT_S:
            return
        self._beat = now
        self.events.append(Heartbeat(round(audio_ms), round((now - self._opened) * 1000), self._strongest))
        self._strongest = 0.0


def _wording_of(options: SessionOptions) -> TurnRenderer:
    redaction = options.redaction
    return TurnRenderer(
        formats=options.format_finals,
        punctuates=options.punctuate_finals,
        formats_partials=options.format_partials,
        masks_profanity=options.filter_profanity,
        redacts=frozenset(map(PiiPolicy, redaction.policies)) if redaction else frozenset(),
        redacts_by_name=redaction is not None and redaction.substitution == "entity_name",
    )
