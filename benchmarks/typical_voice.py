"""What the embeddings of all voices have in common: the numbers of `asr/models/campplus/typical.py`.

They are the mean over recordings of many people, at most 4 s of each, as they are and through a telephone.

    python -m benchmarks.typical_voice [FOLDER] --kind accented-read
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from benchmarks.script import add_recording_options, exit_code_of, named_recordings
from benchmarks.speakers import speech_of, through_telephone
from vivavoce.asr.models.registry import load_embedder
from vivavoce.types import MODEL_RATE_HZ

__all__ = ["main"]


def main() -> None:
    """Compute and print, in thousandths."""
    parser = argparse.ArgumentParser(description="The mean of many voices.")
    add_recording_options(parser)
    embedder = load_embedder("campplus")
    found = []
    for clip in named_recordings(parser.parse_args()):
        samples = speech_of(clip).samples[: 4 * MODEL_RATE_HZ]
        if len(samples):
            found += [embedder.embed([each])[0] for each in (samples, through_telephone(samples))]
    mean = np.mean(found, axis=0)
    sys.stdout.write(f"{len(found) // 2} recordings; length {np.linalg.norm(mean):.3f}\n")
    rows = np.round(1000 * mean).astype(int).reshape(-1, 16)
    sys.stdout.write("".join(f"    {', '.join(map(str, row))},\n" for row in rows))


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
