"""Are first and last words kept? ``python -m benchmarks.words_kept``: a table in Markdown, and every loss.

Recordings go through protocol, session and models in this process (`benchmarks.in_process`), with the options
that a client gets by default (v3: with formatted turns).

A word is lost if it was the last one of a partial and no word of the final is in its place. Some of these
were never said: the model guesses the rest of half a word, and rightly takes the guess back. A lost word
counts as said if the transcript would have fewer errors with it. A first word is cut off if nothing is in its
place although the model, given the whole recording at once, recognises it or another word there.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benchmarks.in_process import PROTOCOLS, Recognition, wire_messages
from benchmarks.script import add_recording_options, exit_code_of, named_recordings
from benchmarks.word_edges import lacks_first_word, lost_words, shown_utterances, was_said
from vivavoce.asr.models import load_detector, load_recogniser
from vivavoce.bench.audio import load_pcm
from vivavoce.bench.client_dialects import client_dialect
from vivavoce.bench.offline import offline_hypotheses
from vivavoce.bench.records import ShownWord, TurnMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.asr.models import Recogniser, SpeechDetector
    from vivavoce.bench.audio import Pcm
    from vivavoce.bench.options import ProtocolName
    from vivavoce.bench.records import Clip
    from vivavoce.bench.turns import Utterance

__all__ = ["WordsKept", "check", "main", "turn_messages"]

_HEAD: Final = (
    "| protocol | recordings | utterances | last word of the last partial lost | of any partial "
    "| of these, said | first word cut off |\n|---|---:|---:|---:|---:|---:|---:|\n"
)


@dataclass(slots=True)
class WordsKept:
    """The counts over some recordings.

    Attributes:
        recordings: Number of recordings.
        utterances: Utterances whose partials showed words.
        lost_of_last: Utterances whose final lacks the last word of the last partial.
        lost_of_any: Utterances whose final lacks a last word of any partial.
        lost_said: Utterances whose final lacks one that was said, as far as the transcript is known.
        first_lost: Recordings whose first word was cut off.
        losses: A line about each loss.
    """

    recordings: int = 0
    utterances: int = 0
    lost_of_last: int = 0
    lost_of_any: int = 0
    lost_said: int = 0
    first_lost: int = 0
    losses: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        """Return the row of the table."""
        counts = (self.recordings, self.utterances, self.lost_of_last, self.lost_of_any, self.lost_said)
        return f"| {name} | {' | '.join(map(str, counts))} | {self.first_lost} |\n"

    def add_utterance(self, clip: Clip, utterance: Utterance, finals: Sequence[ShownWord]) -> None:
        """Count an utterance.

        Args:
            clip: Its recording.
            utterance: What was shown of it.
            finals: The final words of the whole recording.
        """
        self.utterances += any(message.words and not message.ended for message in utterance.messages)
        lost = lost_words(utterance, finals)
        said = [clip.text is not None and was_said(each, finals, clip.text) for each in lost]
        self.lost_of_last += any(each.of_last for each in lost)
        self.lost_of_any += bool(lost)
        self.lost_said += any(said)
        for each, is_said in zip(lost, said, strict=True):
            self.losses.append(
                f"{clip.id}: {each.word.text!r}{' (said)' if is_said else ''} of"
                f" {'the last' if each.of_last else 'a'} partial, final ...{utterance.final_text[-40:]!r}"
            )


def turn_messages(
    pcm: Pcm, sample_rate: int, protocol: ProtocolName, recognition: Recognition
) -> list[TurnMessage]:
    """Return the messages about turns that a client receives for a recording with silence after it.

    Args:
        pcm: The recording.
        sample_rate: In Hz.
        protocol: How client and server speak.
        recognition: Makes words of it.
    """
    client = client_dialect(protocol)
    sent = wire_messages(pcm, sample_rate, protocol, recognition)
    decoded = [client.read(text, now_s) for now_s, text in sent]
    return [message for message in decoded if isinstance(message, TurnMessage)]


def check(
    clips: Sequence[Clip], protocol: ProtocolName, recogniser: Recogniser, detector: SpeechDetector
) -> WordsKept:
    """Stream recordings through sessions, one after another, and count."""
    kept = WordsKept()
    recognition = Recognition(recogniser, detector)
    for clip in clips:
        messages = turn_messages(load_pcm(clip), clip.sample_rate, protocol, recognition)
        finals = [word for message in messages if message.ended for word in message.words]
        kept.recordings += 1
        for utterance in shown_utterances(messages):
            kept.add_utterance(clip, utterance, finals)
        first = clip.words[0] if clip.words else None
        if clip.text and lacks_first_word(clip.text, finals, first):
            at_once = [ShownWord(text) for text in offline_hypotheses(recogniser, [clip])[clip.id].split()]
            if not lacks_first_word(clip.text, at_once):
                kept.first_lost += 1
                final = " ".join(word.text for word in finals)
                kept.losses.append(f"{clip.id}: first word of {clip.text[:40]!r}, final {final[:40]!r}")
    return kept


def _measure(arguments: argparse.Namespace) -> None:
    clips = named_recordings(arguments)
    recogniser, detector = load_recogniser(), load_detector()
    found = {name: check(clips, name, recogniser, detector) for name in arguments.protocol or PROTOCOLS}
    sys.stdout.write(_HEAD + "".join(kept.row(name) for name, kept in found.items()))
    for name, kept in found.items():
        for loss in kept.losses:
            sys.stdout.write(f"\n{name}: {loss}")
    sys.stdout.write("\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.words_kept",
        description="Are first and last words kept? A Markdown table, and every loss.",
    )
    add_recording_options(parser)
    parser.add_argument("--protocol", choices=PROTOCOLS, action="append", help="only this protocol")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: _measure(arguments))


if __name__ == "__main__":
    sys.exit(main())
