"""``python -m benchmarks.words_kept``: are first and last words kept? A table in Markdown, and every loss.

Recordings go through the wire, the session and the models in this process, chunk by chunk, with the options
that a client gets by default (v3: with formatted turns). Time is counted in chunks: a pass of the recogniser
is done when the next chunk has come. So the same recordings give the same words on any machine.

A word is lost if it was the last one of a partial and no word of the final is in its place. Some were never
said: what a model makes of half a word it rightly takes back. Said are those with which the transcript would
have fewer errors. A first word is cut off if nothing is in its place though the model, given the whole
recording at once, hears it or another there.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from benchmarks.word_edges import lacks_first_word, lost_words, stretches, was_said
from vivavoce.asr.models import load_detector, load_recogniser
from vivavoce.asr.session import SessionMachine
from vivavoce.bench.command import exit_code_of, folder_or_default
from vivavoce.bench.corpus import load_pcm, read_manifest
from vivavoce.bench.dialects import Silence, dialect
from vivavoce.bench.model import ShownWord, TurnMessage
from vivavoce.bench.offline import offline_hypotheses
from vivavoce.bench.player import chunks
from vivavoce.protocol.aai_v2.dialect import V2Factory
from vivavoce.protocol.aai_v3.dialect import V3Factory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vivavoce.asr.models import Recogniser, SpeechDetector
    from vivavoce.bench.corpus import Pcm
    from vivavoce.bench.dialects import ProtocolName
    from vivavoce.bench.model import Clip
    from vivavoce.bench.turns import Utterance

__all__ = ["Kept", "check", "listen", "main"]

_TAIL_S: Final = 1.5
_DIALECTS: Final[tuple[ProtocolName, ...]] = ("v2", "v3")
_HEAD: Final = (
    "| protocol | recordings | utterances | last word of the last partial lost | of any partial "
    "| of these, said | first word cut off |\n|---|---:|---:|---:|---:|---:|---:|\n"
)


@dataclass(slots=True)
class Kept:
    """What was kept in some recordings.

    Attributes:
        recordings: How many there were.
        utterances: Those in which partials showed words.
        lost_of_last: Of those, from how many finals the last word of the last partial is missing.
        lost_of_any: From how many a last word of any partial is missing.
        lost_said: From how many one that was said, as far as it is known what was.
        first_lost: Recordings whose first word was cut off.
        losses: Each loss, for people.
    """

    recordings: int = 0
    utterances: int = 0
    lost_of_last: int = 0
    lost_of_any: int = 0
    lost_said: int = 0
    first_lost: int = 0
    losses: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        """For the table."""
        counts = (self.recordings, self.utterances, self.lost_of_last, self.lost_of_any, self.lost_said)
        return f"| {name} | {' | '.join(map(str, counts))} | {self.first_lost} |\n"


def listen(
    pcm: Pcm, sample_rate: int, name: ProtocolName, recogniser: Recogniser, detector: SpeechDetector
) -> list[TurnMessage]:
    """What a client is told of a recording, with silence behind it.

    Args:
        pcm: The recording, shape (n,), int16.
        sample_rate: Of it, in Hz.
        name: The protocol that is spoken.
        recogniser: Of words.
        detector: Of speech.
    """
    spoken = dialect(name, Silence())
    served = (V2Factory() if name == "v2" else V3Factory()).open(spoken.query(sample_rate))
    session = SessionMachine(str(uuid4()), served.options, served.limits, now=0, unix_now=0)
    state = detector.initial_state()
    messages: list[TurnMessage] = []
    under_way = None
    now_s = 0.0

    def hear() -> None:
        nonlocal state
        while (frames := session.take_frames()) is not None:
            [(state, probabilities)] = detector.detect([(state, frames)])
            session.apply_probabilities(probabilities)
        for event in session.take_events():
            read = [spoken.read(text, now_s) for text in served.encode(event, now_s)]
            messages.extend(message for message in read if isinstance(message, TurnMessage))

    sound: Iterable[str | bytes] = chunks(pcm, sample_rate, spoken.chunk_ms, _TAIL_S)
    pieces = itertools.chain(sound, [spoken.terminate])
    while not session.is_over:
        now_s += spoken.chunk_ms / 1000
        if (piece := next(pieces, None)) is not None:
            for command in served.decode(piece):
                session.receive(command, now_s)
            hear()
        if under_way is not None:
            session.apply_hypothesis(*under_way)
            under_way = None
            hear()
        if (request := session.next_pass()) is not None:
            span = session.begin_pass(request)
            under_way = (request, recogniser.recognise([span])[0])
    return messages


def check(
    clips: Sequence[Clip], name: ProtocolName, recogniser: Recogniser, detector: SpeechDetector
) -> Kept:
    """Speak recordings to sessions, one after another."""
    kept = Kept()
    for clip in clips:
        messages = listen(load_pcm(clip), clip.sample_rate, name, recogniser, detector)
        finals = [word for message in messages if message.ended for word in message.words]
        kept.recordings += 1
        for utterance in stretches(messages):
            _add(kept, clip, utterance, finals)
        first = clip.words[0] if clip.words else None
        if clip.text and lacks_first_word(clip.text, finals, first):
            at_once = [ShownWord(text) for text in offline_hypotheses(recogniser, [clip])[clip.id].split()]
            if not lacks_first_word(clip.text, at_once):
                kept.first_lost += 1
                kept.losses.append(
                    f"{clip.id}: first word of {clip.text[:40]!r}, heard {_text(finals)[:40]!r}"
                )
    return kept


def _text(words: Sequence[ShownWord]) -> str:
    return " ".join(word.text for word in words)


def _add(kept: Kept, clip: Clip, utterance: Utterance, finals: Sequence[ShownWord]) -> None:
    kept.utterances += any(message.words and not message.ended for message in utterance.messages)
    lost = lost_words(utterance, finals)
    said = [clip.text is not None and was_said(each, finals, clip.text) for each in lost]
    kept.lost_of_last += any(each.of_last for each in lost)
    kept.lost_of_any += bool(lost)
    kept.lost_said += any(said)
    for each, is_said in zip(lost, said, strict=True):
        kept.losses.append(
            f"{clip.id}: {each.word.text!r}{' (said)' if is_said else ''} of"
            f" {'the last' if each.of_last else 'a'} partial, final ...{utterance.final_text[-40:]!r}"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.words_kept", description=__doc__)
    add = parser.add_argument
    add("folder", type=Path, nargs="?", help="recordings with manifest.jsonl (default: the evaluation set)")
    add("--dialect", choices=_DIALECTS, action="append", help="only this protocol")
    add("--every", type=int, default=1, metavar="N", help="one recording in so many")
    add("--kind", action="append", default=[], help="only recordings of this kind; may be repeated")
    asked = parser.parse_args(argv)
    return exit_code_of(lambda: _measure(asked))


def _measure(asked: argparse.Namespace) -> None:
    every = max(1, asked.every)
    clips = [
        clip
        for clip in read_manifest(folder_or_default(asked.folder))
        if not asked.kind or clip.kind in asked.kind
    ][::every]
    recogniser, detector = load_recogniser(), load_detector()
    found = {name: check(clips, name, recogniser, detector) for name in asked.dialect or _DIALECTS}
    sys.stdout.write(_HEAD + "".join(kept.row(name) for name, kept in found.items()))
    for name, kept in found.items():
        for loss in kept.losses:
            sys.stdout.write(f"\n{name}: {loss}")
    sys.stdout.write("\n")


if __name__ == "__main__":
    sys.exit(main())
