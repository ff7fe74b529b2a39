"""Who speaks when by senko, for `benchmarks.diarizers`: runs in a Python that has senko, and needs no more.

    PYTHON senko_segments.py FOUND.jsonl AUDIO.wav ...

Writes a line with an object for each recording: ``segments`` (start and end in seconds, name), ``cpu_s``.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any


def segments_of(diarizer: Any, recording: str) -> dict[str, Any]:
    """Return what a diarizer finds in a recording, and the CPU time of all its threads."""
    before_s = time.process_time()
    found = diarizer.diarize(recording) or {"merged_segments": []}  # None: nobody speaks
    cpu_s = time.process_time() - before_s
    merged = [[each["start"], each["end"], each["speaker"]] for each in found["merged_segments"]]
    return {"segments": merged, "cpu_s": cpu_s}


def main() -> None:
    """Write what is found in recordings; the first is heard twice, because libraries prepare themselves."""
    into, *recordings = sys.argv[1:]
    diarizer = importlib.import_module("senko").Diarizer(device="cpu", warmup=False, quiet=True)
    segments_of(diarizer, recordings[0])
    with Path(into).open("w") as lines:
        for each in recordings:
            lines.write(json.dumps(segments_of(diarizer, each)) + "\n")
            lines.flush()  # so that what was found is kept if it fails later


if __name__ == "__main__":
    main()
