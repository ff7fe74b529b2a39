"""Labels the finished turns of a stream by their speakers: A, B, and so on, or the names of known voices."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from vivavoce.asr.audio.rate import SAMPLES_PER_MS
from vivavoce.asr.speakers import Owner, VoiceBook, VoicePiece, owners, parts_of
from vivavoce.protocol.events import SpeakersRevised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from vivavoce.asr.engine import Voices
    from vivavoce.asr.engine.voices import HeardPiece
    from vivavoce.asr.models.base import SpeakerEmbedder
    from vivavoce.asr.speakers import Stretch, Told
    from vivavoce.protocol.events import SpeakerRequest, TurnUpdated

__all__ = ["PENDING", "KnownOf", "SpeakerLabels"]

_log = logging.getLogger(__name__)

PENDING: Final = "PENDING"
"""The label of too little speech; it gets that of a neighbour when labels are revised."""

KnownOf: TypeAlias = "Callable[[SpeakerEmbedder], Mapping[str, npt.NDArray[np.float32]]]"
"""Returns the embeddings by a voice encoder of voices that have names, shape (width,); see `VoiceBook`."""

_Hearing: TypeAlias = "asyncio.Task[dict[int, Told]]"

_LIMIT_S: Final = 1.0  # how long a finished turn waits for its label
_SHARED: Final = 0.5  # by how much less certain a word is while somebody else speaks


@dataclass(slots=True)
class _Turn:
    """A finished turn.

    Attributes:
        reported: As last reported.
        pieces: Numbers of its pieces of one voice each; empty until they are heard.
        owners: The piece of each word, by place.
    """

    reported: TurnUpdated
    pieces: list[int] = field(default_factory=list)
    owners: list[Owner] = field(default_factory=list)

    def is_labelled(self, labels: Mapping[int, tuple[str, float | None]]) -> bool:
        """Whether its words have the labels of their pieces already; False: perhaps not."""
        return bool(self.owners) and all(
            labels.get(self.pieces[owner.place], (None, None))[0] == word.speaker
            for owner, word in zip(self.owners, self.reported.words, strict=True)
        )


@dataclass(slots=True)
class _Channel:
    """What a channel has said.

    Attributes:
        book: Its voices; None until one was heard.
        turns: Its turns, by their numbers, in order.
        n_pieces: Pieces so far.
        lock: Held while voices are told or revised, which takes a thread for many turns.
        last: Hears the newest turn with speech; None: there was none.
        ahead: Parts of speech that are heard before their turn is over, by their positions.
    """

    book: VoiceBook | None = None
    turns: dict[int, _Turn] = field(default_factory=dict)
    n_pieces: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    last: _Hearing | None = None
    ahead: dict[tuple[int, int], asyncio.Task[list[HeardPiece]]] = field(default_factory=dict)


class SpeakerLabels:
    """Labels turns; each channel of a stream has speakers of its own."""

    def __init__(
        self,
        request: SpeakerRequest,
        voices: Voices,
        *,
        patient: bool = False,
        known: KnownOf | None = None,
    ) -> None:
        """Begin without speakers, and let the models be loaded; called on the event loop.

        Args:
            request: What the session asked for.
            voices: Tells voices apart.
            patient: Whether turns wait for their labels however long that takes, as those of a recording do.
            known: Returns the voices that have names, once the models are loaded; None: there are none.
        """
        self._request = request
        self._voices = voices
        self._limit_s = None if patient else _LIMIT_S
        self._known_of = known
        self._known: dict[str, npt.NDArray[np.float32]] | None = None  # None until the models are loaded
        self._channels: dict[int | None, _Channel] = {}
        self._revised_ms = 0  # up to where labels were revised
        self._has_failed = False
        self._late: set[_Hearing] = set()  # being heard, for turns that may be reported already
        voices.prepare()

    async def label(self, turn: TurnUpdated, speech: Sequence[Stretch]) -> TurnUpdated:
        """Label a finished turn.

        Args:
            turn: The turn.
            speech: Its speech; there may be none.

        Returns:
            The turn with its speakers, which are `PENDING` where they are not known.
        """
        channel = self._channels.setdefault(turn.channel, _Channel())
        known = channel.turns[turn.turn_order] = _Turn(turn)
        if not speech:
            self._drop_ahead(channel, turn.end_ms * SAMPLES_PER_MS)
        told: dict[int, Told] = {}
        if speech and not self._has_failed:
            hearing = asyncio.create_task(self._hear(channel, known, speech, channel.last))
            channel.last = hearing
            self._late.add(hearing)  # before it is late: closing ends it in any case
            hearing.add_done_callback(self._late.discard)
            done, _ = await asyncio.wait({hearing}, timeout=self._limit_s)
            told = hearing.result() if done else {}
        labels = {piece: (self._name(each.voice), each.confidence) for piece, each in told.items()}
        known.reported = _labelled(known, labels)
        return known.reported

    def _drop_ahead(self, channel: _Channel, end: int) -> None:
        """Drop parts that begin before some position: they are none of a turn after all."""
        for span in [each for each in channel.ahead if each[0] < end]:
            channel.ahead.pop(span).cancel()

    def hear_ahead(self, number: int | None, parts: Sequence[Stretch]) -> None:
        """Begin to hear speech of a turn that is not over, so that its label takes no time when it is.

        Args:
            number: Of the channel.
            parts: Parts of its speech, see `parts_of`; what is found of those that turn out to be others is
                dropped.
        """
        if self._limit_s is None or self._has_failed:
            return
        channel = self._channels.setdefault(number, _Channel())
        for part in parts:
            if part.span in channel.ahead:
                continue
            for other in [each for each in channel.ahead if each[0] == part.start]:
                channel.ahead.pop(other).cancel()  # the turn went on
            channel.ahead[part.span] = self._begin(part)

    def _begin(self, part: Stretch) -> asyncio.Task[list[HeardPiece]]:
        hearing = asyncio.create_task(self._voices.hear([part]))
        hearing.add_done_callback(_note_failure)
        return hearing

    def _taken_ahead(self, channel: _Channel, part: Stretch) -> asyncio.Future[list[HeardPiece]] | None:
        """What hears a part already; None: nothing does, or it has failed."""
        hearing = channel.ahead.pop(part.span, None)
        if hearing is None or (hearing.done() and (hearing.cancelled() or hearing.exception() is not None)):
            return None
        return hearing

    async def _hearing_of(self, channel: _Channel, speech: Sequence[Stretch]) -> list[HeardPiece]:
        """Find the pieces of a turn, except in parts that have been heard ahead."""
        parts = [part for each in speech for part in parts_of(each)]
        hearing = [self._taken_ahead(channel, each) or self._begin(each) for each in parts]
        self._drop_ahead(channel, parts[-1].span[1] if parts else 0)
        try:
            return [piece for each in hearing for piece in await each]
        finally:
            for each in hearing:
                each.cancel()

    async def _hear(
        self, channel: _Channel, turn: _Turn, speech: Sequence[Stretch], before: _Hearing | None
    ) -> dict[int, Told]:
        """Hear the pieces of a turn; returns the voices of those that have one.

        Args:
            channel: Where it was said.
            turn: The turn.
            speech: Its speech.
            before: Hears the turn before it, which is told first; None: there is none.
        """
        try:
            heard = await self._hearing_of(channel, speech)
            if before is not None:
                await asyncio.wait({before})
            async with channel.lock:
                return self._tell(channel, turn, heard)
        except Exception as error:  # noqa: BLE001 - words matter more than labels
            if not self._has_failed:
                _log.error("turns are not labelled any more: %s", error)
            self._has_failed = True
            return {}

    def _tell(self, channel: _Channel, turn: _Turn, heard: Sequence[HeardPiece]) -> dict[int, Told]:
        """Tell the voices of the pieces of a turn; those without one are left out."""
        if channel.book is None:
            known = tuple(self._named().values())
            channel.book = VoiceBook(self._request.most, self._voices.tuning, known)
        turn.pieces = list(range(channel.n_pieces, channel.n_pieces + len(heard)))
        channel.n_pieces += len(heard)
        spans = [
            (word.start_ms * SAMPLES_PER_MS, word.end_ms * SAMPLES_PER_MS) for word in turn.reported.words
        ]
        turn.owners = owners([each.piece for each in heard], spans) if heard else []
        return channel.book.hear_turn(
            [
                VoicePiece(number, each.windows, each.weights)
                for number, each in zip(turn.pieces, heard, strict=True)
            ]
        )

    async def end(self) -> SpeakersRevised | None:
        """Return the last revision, once the turns that are late have been heard or the limit has passed."""
        if self._late:
            await asyncio.wait(self._late, timeout=self._limit_s)
        return await self.revise()

    def close(self) -> None:
        """Hear nothing more."""
        for late in self._late:
            late.cancel()
        for channel in self._channels.values():
            for hearing in channel.ahead.values():
                hearing.cancel()

    async def revise(self, position_ms: int | None = None) -> SpeakersRevised | None:
        """Return the turns whose speakers are others than were reported, if it is time.

        Args:
            position_ms: The position in the audio; None: the session is over.
        """
        interval_ms = self._request.revision_ms
        if position_ms is not None:
            if interval_ms is None or position_ms - self._revised_ms < interval_ms:
                return None
            self._revised_ms = position_ms
        changed: list[TurnUpdated] = []
        for channel in self._channels.values():
            async with channel.lock:
                # Many turns take a tenth of a second, in which other sessions need the event loop.
                voices, turns = await asyncio.to_thread(self._revised, channel)
                if channel.book is not None:
                    channel.book.adopt(voices)
                for turn in turns:
                    channel.turns[turn.turn_order].reported = turn
            changed += turns
        return SpeakersRevised(tuple(changed)) if changed else None

    def _revised(self, channel: _Channel) -> tuple[dict[int, int], list[TurnUpdated]]:
        """Cluster a channel's pieces anew; changes nothing, on any thread.

        Returns:
            The voice of each piece, and the turns whose speakers are others than were reported.
        """
        voices = {} if channel.book is None else channel.book.revised()
        labels = self._with_neighbours(channel, voices)
        changed = []
        for turn in channel.turns.values():
            if turn.is_labelled(labels):
                continue
            revised = _labelled(turn, labels, turn.reported.speaker)
            if _speakers(revised) != _speakers(turn.reported):
                changed.append(revised)
        return voices, changed

    def _with_neighbours(
        self, channel: _Channel, voices: Mapping[int, int]
    ) -> dict[int, tuple[str, float | None]]:
        """The label of each piece; without one of its own, that of the piece before it, else after it.

        Turns that have no pieces count as one; it has the number of the turn, minus 1, below 0.
        """
        order = [piece for number, turn in channel.turns.items() for piece in turn.pieces or [-1 - number]]
        names = {voice: self._name(voice) for voice in set(voices.values())}
        found: dict[int, tuple[str, float | None]] = {}
        for run in (order, order[::-1]):
            last: str | None = None
            for piece in run:
                last = names[voices[piece]] if piece in voices else last
                if last is not None:
                    found.setdefault(piece, (last, None))
        return found

    def _named(self) -> dict[str, npt.NDArray[np.float32]]:
        """The voices that have names, the same ones for the whole stream."""
        if self._known is None:
            embedder = self._voices.embedder
            if self._known_of is None or embedder is None:
                return {}
            self._known = dict(self._known_of(embedder))
        return self._known

    def _name(self, voice: int) -> str:
        names = list(self._named())
        return names[voice] if voice < len(names) else _letters(voice - len(names))


def _labelled(
    turn: _Turn,
    labels: Mapping[int, tuple[str, float | None]],
    otherwise: str | None = None,
) -> TurnUpdated:
    """A turn with the labels of its pieces; it has that of most of its speech.

    Args:
        turn: The turn.
        labels: Labels of pieces and their probabilities.
        otherwise: The label without any; None: `PENDING`.
    """
    unknown, words = (otherwise or PENDING, None), turn.reported.words
    if not turn.owners:
        whole = labels.get(turn.pieces[0] if turn.pieces else -1 - turn.reported.turn_order, unknown)
        named = [whole] * len(words)
    else:
        named = []
        for owner in turn.owners:
            speaker, confidence = labels.get(turn.pieces[owner.place], unknown)
            unsure = _SHARED if owner.is_shared else 1.0
            named.append((speaker, None if confidence is None else round(confidence * unsure, 3)))
        whole = named[0]
    new = tuple(
        dataclasses.replace(word, speaker=speaker, speaker_confidence=confidence)
        for word, (speaker, confidence) in zip(words, named, strict=True)
    )
    spoken: dict[str, int] = {}
    for word in new:
        spoken[word.speaker or PENDING] = spoken.get(word.speaker or PENDING, 0) + word.end_ms - word.start_ms
    speaker = max(spoken, key=lambda each: (each != PENDING, spoken[each]), default=whole[0])
    sure = [each[1] for each in named if each[0] == speaker and each[1] is not None]
    confidence = round(sum(sure) / len(sure), 3) if sure else None
    return dataclasses.replace(turn.reported, words=new, speaker=speaker, speaker_confidence=confidence)


def _note_failure(hearing: asyncio.Task[list[HeardPiece]]) -> None:
    """Take note of the error of what nobody may wait for; whoever waits gets it, too."""
    if not hearing.cancelled():
        hearing.exception()


def _speakers(turn: TurnUpdated) -> tuple[str | None, ...]:
    return (turn.speaker, *(word.speaker for word in turn.words))


def _letters(number: int) -> str:
    """A to Z, then AA, AB and so on."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = string.ascii_uppercase[rest] + letters
    return letters
