"""Events of a session, in their order: turns are counted here and nowhere else."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from vivavoce.asr.audio import SAMPLES_PER_MS
from vivavoce.asr.text import NOTHING_FROZEN, TurnRenderer
from vivavoce.protocol.events import (
    Heartbeat,
    SessionEvent,
    SessionOptions,
    SilenceDetected,
    SpeechStarted,
    TurnUpdated,
    Warn,
    Warned,
)
from vivavoce.types import PiiPolicy, Word
from vivavoce.word_joining import join_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vivavoce.asr.session.utterance import Utterance

__all__ = ["Reporter"]

_HEARTBEAT_S: Final = 5.0
_SILENCE_MS: Final = 1_000


class Reporter:
    """Turns what happens in a session into events. Positions are samples at 16 kHz since its start.

    Attributes:
        events: Events that were not taken yet, oldest first.
    """

    def __init__(self, options: SessionOptions, began: SessionEvent, now: float) -> None:
        """Begin with the event that the session began.

        Args:
            options: The options of the session.
            began: That event.
            now: Wall time, in seconds.
        """
        self.events: deque[SessionEvent] = deque([began, *map(Warned, options.warnings)])
        self._options = options
        self._renderer = _renderer_of(options, options.told_language)
        self._language = options.told_language  # of the open turn; None: not heard yet, or not told
        self._turn_order = 0  # of the open turn
        self._so_far: tuple[Word, ...] = ()  # words of this turn in the utterances before the open one
        self._frozen = NOTHING_FROZEN  # words of this turn that were reported as final
        self._shown: tuple[Word, ...] = ()  # words of this turn as last reported
        self._pause_ms = (
            0  # position of the last pause that was reported; words before it were in an utterance
        )
        self._update_ms = 0  # position of the last empty update or end of an utterance
        self._silence_ms = 0  # up to where silence was reported
        self._opened = now
        self._last_heartbeat = now
        self._peak = 0.0  # highest speech probability since the last heartbeat

    def configure(self, options: SessionOptions) -> None:
        """Report by other options from now on."""
        told = options.told_language
        if told is not None or self._options.told_language is not None:
            self._language = told  # else what was heard in this turn stays
        self._options = options
        self._renderer = _renderer_of(options, self._language)

    def _hear(self, utterance: Utterance) -> None:
        """Render by the language that was heard, if the client has not said which is spoken.

        A turn that has final words already keeps the language in which they were written.
        """
        language = self._options.told_language or utterance.language
        if language is not None and language != self._language and not self._frozen.words:
            self._language = language
            self._renderer = _renderer_of(self._options, language)

    def _language_fields(self, utterance: Utterance) -> Mapping[str, Any]:
        """The fields of an event that say which language was heard."""
        told = self._options.told_language
        if not self._options.detects_language:
            return {}
        if told is not None:
            return {"language": told, "language_probability": 1.0}
        return {"language": utterance.language, "language_probability": utterance.language_probability}

    def warn(self, warning: Warn) -> None:
        """Report a warning."""
        self.events.append(Warned(warning.text, warning.is_urgent))

    def speech_started(self, position: int, confidence: float) -> None:
        """Report that speech began.

        Args:
            position: Where its utterance begins. The detector notices speech up to 0.3 s after the first word
                has begun, so the first frame of speech would be too late.
            confidence: Its speech probability, 0 to 1.
        """
        self.events.append(SpeechStarted(position // SAMPLES_PER_MS, confidence))

    # --- turns ----------------------------------------------------------------------------------

    def partial(self, utterance: Utterance, confidence: float) -> None:
        """Report the words of an open utterance, unless they were reported already.

        Args:
            utterance: The utterance.
            confidence: Of the turn being over, 0 to 1.
        """
        if not self._options.partials:
            return
        self._hear(utterance)
        recognised = (*self._so_far, *utterance.words(final=False))
        frozen = self._renderer.freeze(recognised, self._frozen)
        words = self._renderer.partial(recognised, frozen)
        if words == self._shown:
            return
        self._shown = words
        self._frozen = frozen
        self.events.append(
            TurnUpdated(
                self._turn_order,
                utterance.turn_start // SAMPLES_PER_MS,
                utterance.requested_end // SAMPLES_PER_MS,
                words,
                formatted=self._options.format_partials,
                end_of_turn_confidence=confidence,
                **self._language_fields(utterance),
            )
        )

    def pause(self, utterance: Utterance, confidence: float) -> None:
        """Report the text up to a pause that may end the turn, if the client asked for that; once a pause.

        The text is that of a final: a client may begin its answer with it before the turn ends.

        Args:
            utterance: The open utterance, whose words up to the pause are known.
            confidence: Of the turn being over, 0 to 1.
        """
        options = self._options
        settled_ms = (utterance.settled_end or 0) // SAMPLES_PER_MS
        is_asked_for = options.report_pauses and options.partials and options.redaction is None
        if not is_asked_for or settled_ms <= self._pause_ms:
            return
        self._hear(utterance)
        recognised = (*self._so_far, *utterance.words(final=False, settled=True))
        frozen = self._renderer.freeze(recognised, self._frozen)
        text = self._since_pause(self._renderer.final(recognised, frozen))
        self._pause_ms = settled_ms
        if not text:
            return
        self._frozen = frozen
        self._shown = self._renderer.partial(recognised, frozen)
        self.events.append(
            TurnUpdated(
                self._turn_order,
                utterance.turn_start // SAMPLES_PER_MS,
                settled_ms,
                self._shown,
                formatted=options.format_partials,
                end_of_turn_confidence=confidence,
                utterance=text,
                **self._language_fields(utterance),
            )
        )

    def _since_pause(self, words: Sequence[Word]) -> str:
        """The text of the words after the last pause that was reported."""
        pause_ms = self._pause_ms
        return join_words(word.text for word in words if (word.start_ms + word.end_ms) / 2 >= pause_ms)

    def final(self, utterance: Utterance, position: int) -> bool:
        """Report an utterance that has ended, and with it the turn, unless that continues.

        Args:
            utterance: The utterance, whose words are final.
            position: After the last frame that went through the speech detector.

        Returns:
            Whether a turn was reported as finished.
        """
        self._hear(utterance)
        recognised = (*self._so_far, *utterance.words(final=True))
        self._update_ms = position // SAMPLES_PER_MS
        self._silence_ms = max(self._silence_ms, (utterance.end or 0) // SAMPLES_PER_MS)
        if utterance.continues:
            self._so_far = recognised
            return False
        words = self._renderer.final(recognised, self._frozen)
        shown = self._shown
        self._so_far, self._frozen, self._shown = (), NOTHING_FROZEN, ()
        ended = bool(words) or utterance.must_answer
        if not ended and not shown:
            return False
        # An empty update takes back words that were shown and turned out to be none.
        self.events.append(
            TurnUpdated(
                self._turn_order,
                utterance.turn_start // SAMPLES_PER_MS,
                (utterance.end or utterance.start) // SAMPLES_PER_MS,
                words,
                ended=ended,
                formatted=self._options.format_finals,
                end_of_turn_confidence=utterance.end_confidence if ended else 0.0,
                punctuated=self._options.punctuate_finals,
                utterance=self._since_pause(words) if ended else "",
                **self._language_fields(utterance),
            )
        )
        self._turn_order += ended
        return ended

    # --- silence --------------------------------------------------------------------------------

    def silence(self, position: int, turn_start: int) -> None:
        """Report silence, if the client asked for that and it is time.

        Args:
            position: After the last frame that went through the speech detector.
            turn_start: After the last utterance.
        """
        position_ms = position // SAMPLES_PER_MS
        interval_ms = self._options.silence_updates_ms
        if (
            interval_ms is not None
            and self._options.partials
            and position_ms - self._update_ms >= interval_ms
        ):
            self._update_ms = position_ms
            self.events.append(TurnUpdated(self._turn_order, turn_start // SAMPLES_PER_MS, position_ms))
        if self._options.acknowledge_silence and position_ms - self._silence_ms >= _SILENCE_MS:
            self.events.append(SilenceDetected(self._silence_ms, position_ms))
            self._silence_ms = position_ms

    # --- heartbeats -----------------------------------------------------------------------------

    def note_probability(self, peak: float) -> None:
        """Note the highest speech probability of some frames, 0 to 1."""
        self._peak = max(self._peak, peak)

    def heartbeat(self, audio_ms: float, now: float) -> None:
        """Report the state of the session, if the client asked for that and it is time.

        Args:
            audio_ms: Audio received, in milliseconds.
            now: Wall time, in seconds.
        """
        if not self._options.heartbeat or now - self._last_heartbeat < _HEARTBEAT_S:
            return
        self._last_heartbeat = now
        self.events.append(Heartbeat(round(audio_ms), round((now - self._opened) * 1000), self._peak))
        self._peak = 0.0


def _renderer_of(options: SessionOptions, language: str | None = None) -> TurnRenderer:
    redaction = options.redaction
    return TurnRenderer(
        formats=options.format_finals,
        punctuates=options.punctuate_finals,
        formats_partials=options.format_partials,
        masks_profanity=options.filter_profanity,
        redacts=frozenset(map(PiiPolicy, redaction.policies)) if redaction else frozenset(),
        redacts_by_name=redaction is not None and redaction.substitution == "entity_name",
        is_english=options.translates or language in {None, "en"},
    )
