"""Are damaged files played? ``python -m benchmarks.damaged_files``: a table in Markdown, and every failure.

Recordings are written in a dozen containers and damaged: truncated, spliced, joined, overwritten, bits
flipped. Then `vivavoce.recordings` reads each file, beside a player: the loop that most programs have around
FFmpeg, which skips packets that can't be decoded. A file fails if reading it raises anything but an
``AudioError``, or if less audio than the player's is audible. With ``--words`` each file that is played in
full is transcribed too, and fails if it lacks words of what the player plays.
"""

from __future__ import annotations

import argparse
import difflib
import io
import random
import sys
import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import av
import numpy as np

import vivavoce
from benchmarks.script import exit_code_of
from vivavoce.bench.audio import load_pcm
from vivavoce.bench.corpus import folder_or_default, read_manifest, select
from vivavoce.errors import AudioError
from vivavoce.recordings import from_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from vivavoce.bench.audio import Pcm

__all__ = ["CONTAINERS", "DAMAGES", "Outcome", "damaged_files", "encode", "main", "outcome_of", "played"]

_RATE_HZ: Final = 16_000
_BLOCK: Final = 320  # 20 ms
_AUDIBLE_RMS: Final = 100.0  # -50 dB
_SHARE: Final = 0.97  # of what the player plays must be audible
_SLACK_S: Final = 0.3
_IN_FULL: Final = 0.98
_FRAME_SAMPLES: Final = 1024
_BITS_PER_S: Final = 64_000
_MAX_LENGTH_S: Final = 6.0
_PATIENCE_S: Final = 600.0  # for a busy machine
_LOST_SHARE: Final = 0.2  # of the words may differ, since little decides what an unclear word becomes


@dataclass(frozen=True, slots=True)
class Container:
    """How a recording is written.

    Attributes:
        suffix: Of the file.
        form: FFmpeg's name of the container.
        codec: FFmpeg's name of the encoder.
        rate: Sample rate, in Hz.
        layout: Layout of the channels, which are all the same.
        sample_format: What the encoder takes.
    """

    suffix: str
    form: str
    codec: str
    rate: int = 44_100
    layout: str = "stereo"
    sample_format: str = "fltp"


CONTAINERS: Final = {
    "wav": Container(".wav", "wav", "pcm_s16le", 16_000, "mono", "s16"),
    "wav-alaw": Container(".wav", "wav", "pcm_alaw", 8_000, "mono", "s16"),
    "flac": Container(".flac", "flac", "flac", sample_format="s16"),
    "mp3": Container(".mp3", "mp3", "libmp3lame"),
    "m4a": Container(".m4a", "ipod", "aac"),
    "aac": Container(".aac", "adts", "aac", 22_050),
    "vorbis": Container(".ogg", "ogg", "vorbis"),
    "opus": Container(".opus", "ogg", "libopus", 48_000, "mono", "s16"),
    "webm": Container(".webm", "webm", "libopus", 48_000, "stereo", "s16"),
    "mkv": Container(".mkv", "matroska", "aac", 48_000, "5.1"),
    "wma": Container(".wma", "asf", "wmav2"),
    "flv": Container(".flv", "flv", "aac"),
    "aiff": Container(".aiff", "aiff", "pcm_s16be", 22_050, "mono", "s16"),
    "au": Container(".au", "au", "pcm_mulaw", 8_000, "mono", "s16"),
    "ts": Container(".ts", "mpegts", "mp2", 48_000, "stereo", "s16"),
    "avi": Container(".avi", "avi", "libmp3lame", 44_100, "mono"),
    "caf": Container(".caf", "caf", "alac", 44_100, "mono", "s16p"),
}


def encode(samples: Pcm, container: Container) -> bytes:
    """Return a recording as a file.

    Args:
        samples: Shape (n,), at 16 kHz.
        container: How it is written.
    """
    file = io.BytesIO()
    with av.open(file, "w", format=container.form) as out:
        stream: Any = out.add_stream(container.codec, rate=container.rate, options={"strict": "-2"})
        stream.layout = container.layout
        stream.format = container.sample_format
        stream.bit_rate = _BITS_PER_S
        resampler = av.AudioResampler(
            container.sample_format, container.layout, container.rate, frame_size=_FRAME_SAMPLES
        )
        for at in range(0, len(samples), _RATE_HZ):
            frame = av.AudioFrame.from_ndarray(samples[None, at : at + _RATE_HZ], format="s16", layout="mono")
            frame.sample_rate, frame.pts = _RATE_HZ, at
            for piece in resampler.resample(frame):
                out.mux(stream.encode(piece))
        for piece in resampler.resample(None):
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return file.getvalue()


def _truncated(data: bytes, _: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data) // 8, len(data))]


def _cut_out(data: bytes, _: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(64, len(data))
    return data[:at] + data[at + dice.randrange(1, len(data) // 4) :]


def _joined(data: bytes, other: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data) // 2, len(data) + 1)] + other


def _spliced(data: bytes, other: bytes, dice: random.Random) -> bytes:
    at, begin = dice.randrange(64, len(data)), dice.randrange(len(other))
    return data[:at] + other[begin : begin + dice.randrange(1, 4000)] + data[at:]


def _overwritten(data: bytes, _: bytes, dice: random.Random) -> bytes:
    at, length = dice.randrange(len(data)), dice.randrange(1, 1000)
    junk = dice.choice([bytes(length), dice.randbytes(length)])
    return data[:at] + junk[: len(data) - at] + data[at + length :]


def _bits_flipped(data: bytes, _: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(data)
    for _flip in range(dice.choice([1, 3, 10, 50])):
        damaged[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(damaged)


def _head_flipped(data: bytes, _: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(data)
    for _flip in range(dice.randrange(1, 4)):
        damaged[dice.randrange(min(len(data), 512))] ^= 1 << dice.randrange(8)
    return bytes(damaged)


def _junk_after(data: bytes, _: bytes, dice: random.Random) -> bytes:
    return data + dice.randbytes(dice.randrange(1, 20_000))


def _without_head(data: bytes, _: bytes, dice: random.Random) -> bytes:
    return data[dice.randrange(1, 2000) :]


DAMAGES: Final[dict[str, Callable[[bytes, bytes, random.Random], bytes]]] = {
    "truncated": _truncated,
    "cut out": _cut_out,
    "joined": _joined,
    "spliced": _spliced,
    "overwritten": _overwritten,
    "bits flipped": _bits_flipped,
    "head flipped": _head_flipped,
    "junk after": _junk_after,
    "without head": _without_head,
}
"""Each gets the file, another one, and a source of chance."""


def damaged_files(
    recordings: Sequence[Pcm], n: int, seed: int, names: Iterable[str] = CONTAINERS
) -> Iterator[tuple[str, int, bytes, bytes]]:
    """Yield damaged files: what was done, index of the recording, the whole file and the damaged one.

    Args:
        recordings: Samples at 16 kHz.
        n: Number of files.
        seed: Of the chance.
        names: Which of `CONTAINERS`.
    """
    dice = random.Random(seed)  # noqa: S311  - a test that can be repeated
    chosen = list(names)
    whole: dict[tuple[str, int], bytes] = {}

    def written(name: str, index: int) -> bytes:
        if (name, index) not in whole:
            whole[name, index] = encode(recordings[index], CONTAINERS[name])
        return whole[name, index]

    kinds = list(DAMAGES)
    for count in range(n):
        name = chosen[count % len(chosen)]
        kind = kinds[count // len(chosen) % len(kinds)]
        index = dice.randrange(len(recordings))
        file = written(name, index)
        relatives = [other for other in chosen if CONTAINERS[other].form == CONTAINERS[name].form]
        other = written(dice.choice([*relatives, *chosen[:1]]), dice.randrange(len(recordings)))
        yield f"{name}, {kind}", index, file, DAMAGES[kind](file, other, dice)


def played(path: Path) -> Pcm:
    """Return what a player plays of a file: all packets that can be decoded.

    Returns:
        Shape (n,), at 16 kHz.
    """
    pieces = [np.zeros(0, np.int16)]
    resampler: Any = None
    form: object = None
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            for packet in container.demux(container.streams.audio[0]):
                try:
                    for frame in packet.decode():
                        if form != (form := (frame.sample_rate, frame.format.name, frame.layout.name)):
                            resampler = av.AudioResampler("s16", "mono", _RATE_HZ)
                        frame.pts = None
                        pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
                except (av.FFmpegError, ValueError):
                    continue
    except (av.FFmpegError, ValueError, IndexError):
        pass
    return np.concatenate(pieces)


def audible_s(samples: Pcm) -> float:
    """Return for how many seconds samples at 16 kHz can be heard."""
    blocks = samples[: len(samples) // _BLOCK * _BLOCK].reshape(-1, _BLOCK).astype(np.float32)
    return float((np.sqrt((blocks**2).mean(axis=1)) > _AUDIBLE_RMS).sum() * _BLOCK / _RATE_HZ)


@dataclass(slots=True)
class Outcome:
    """How a file was read.

    Attributes:
        audible_s: What can be heard of it, in seconds.
        player_s: What can be heard of what a player plays.
        failure: What is wrong; empty: nothing.
        warnings: What was said about the file.
    """

    audible_s: float = 0.0
    player_s: float = 0.0
    failure: str = ""
    warnings: list[str] = field(default_factory=list)


def outcome_of(path: Path) -> Outcome:
    """Read a file beside a player, and compare."""
    outcome = Outcome(player_s=audible_s(played(path)))
    try:
        with from_file(path, warn=outcome.warnings.append) as sound:
            data = b"".join(sound.chunks)
            outcome.audible_s = audible_s(_at_model_rate(np.frombuffer(data, "<i2"), sound.sample_rate))
    except AudioError as error:
        outcome.warnings.append(str(error))
    except Exception:  # noqa: BLE001  - that is what is looked for
        outcome.failure = traceback.format_exc().strip().splitlines()[-1]
    if not outcome.failure and outcome.audible_s < outcome.player_s * _SHARE - _SLACK_S:
        said = "; ".join(outcome.warnings)
        outcome.failure = f"{outcome.audible_s:.1f} s of {outcome.player_s:.1f} s are audible; {said}"
    return outcome


def _at_model_rate(samples: Pcm, rate: int) -> Pcm:
    n = len(samples) * _RATE_HZ // rate
    return samples[np.arange(n) * rate // _RATE_HZ]


def _words(source: Path | Pcm) -> list[str]:
    text = vivavoce.transcribe(source, format_turns=False, close_timeout_s=_PATIENCE_S).text
    return text.lower().translate(str.maketrans("", "", ".,?!")).split()


def _lost_words(outcome: Outcome, path: Path) -> str:
    """Compare the words of a file with those of the audio that a player plays of it."""
    expected, found = _words(played(path)), _words(path)
    blocks = difflib.SequenceMatcher(None, expected, found, autojunk=False).get_matching_blocks()
    lost = len(expected) - sum(block.size for block in blocks)
    if lost <= 1 + len(expected) * _LOST_SHARE:
        return outcome.failure
    return f"{lost} of {len(expected)} words are lost: {' '.join(found)!r}, not {' '.join(expected)!r}"


def _recordings(folder: Path | None, kind: str, n: int) -> list[Pcm]:
    clips = [
        clip
        for clip in select(read_manifest(folder_or_default(folder)))
        if clip.kind == kind
        and clip.text
        and clip.sample_rate == _RATE_HZ
        and clip.duration_s < _MAX_LENGTH_S
    ]
    return [load_pcm(clip) for clip in clips[:: max(1, len(clips) // n)]][:n]


def _measure(arguments: argparse.Namespace) -> int:
    recordings = _recordings(arguments.folder, arguments.kind, arguments.recordings)
    counts: dict[str, list[int]] = {}
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (what, _, whole, damaged) in enumerate(
            damaged_files(recordings, arguments.files, arguments.seed)
        ):
            name = what.partition(",")[0]
            path = Path(folder) / f"{number}{CONTAINERS[name].suffix}"
            path.write_bytes(damaged)
            outcome = outcome_of(path)
            original = path.with_stem("whole")
            original.write_bytes(whole)
            is_full = outcome.player_s >= _IN_FULL * audible_s(played(original))
            if arguments.words and is_full and not outcome.failure:
                outcome.failure = _lost_words(outcome, path)
            row = counts.setdefault(name, [0, 0, 0, 0])
            for index, is_so in enumerate((
                True, is_full, bool(outcome.warnings), bool(outcome.failure),
            )):  # fmt: skip
                row[index] += is_so
            if outcome.failure:
                failures.append(f"file {number}: {what}: {outcome.failure}")
                if arguments.keep:
                    Path(arguments.keep, path.name).write_bytes(damaged)
            path.unlink()
    sys.stdout.write(
        "| container | files | played in full | with a message | failed |\n|---|---:|---:|---:|---:|\n"
    )
    for name, row in {
        **counts,
        "all": [sum(column) for column in zip(*counts.values(), strict=True)],
    }.items():
        sys.stdout.write(f"| {name} | {' | '.join(map(str, row))} |\n")
    sys.stdout.writelines(f"\n{failure}\n" for failure in failures)
    return bool(failures)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code: 1 if a file fails."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.damaged_files",
        description="Are damaged files played? A Markdown table, and every failure.",
    )
    add = parser.add_argument
    add("folder", type=Path, nargs="?", help="recordings with manifest.jsonl (default: the evaluation set)")
    add("--files", type=int, default=500, metavar="N", help="number of damaged files (default: 500)")
    add("--recordings", type=int, default=10, metavar="N", help="made of this many recordings (default: 10)")
    add("--kind", default="read", help="of the recordings (default: read, which are clear)")
    add("--seed", type=int, default=1, metavar="N", help="of the damage (default: 1)")
    add("--words", action="store_true", help="transcribe what is played in full, and compare words")
    add("--keep", type=Path, metavar="FOLDER", help="where the files that fail are kept")
    return exit_code_of(lambda: _measure(parser.parse_args(argv)))


if __name__ == "__main__":
    sys.exit(main())
