"""What the Python programs share: their configuration, the audio, and reports as one JSON object per line.

It uses only the standard library, because it runs in the environment of every client.
"""

import asyncio
import json
import sys
import threading
import time
from pathlib import Path

CONFIG = json.loads(sys.argv[1])
KEY = CONFIG["key"]
SDK = CONFIG["sdk"]
RATE = CONFIG["sample_rate"]
CHUNK_BYTES = CONFIG["chunk_bytes"]
CONTROL_AT_BYTES = CONFIG["control_at_bytes"]

_started = time.monotonic()
_lock = threading.Lock()


def report(event, **fields):
    """Write an event to standard output, one line each; handlers call this from several threads."""
    line = json.dumps({"event": event, "at_s": round(time.monotonic() - _started, 3), **fields})
    with _lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def words(items):
    """Return words of either protocol in the form that the suite checks."""
    return [
        {"text": it.text, "start": it.start, "end": it.end, "is_final": getattr(it, "word_is_final", None)}
        for it in items
    ]


def _schedule(silence_s):
    """Yield each chunk and when it is due, in seconds after the first; None marks the time for controls."""
    audio = Path(CONFIG["audio"]).read_bytes() + bytes(round(silence_s * RATE) * 2)
    spacing_s = CONFIG["chunk_ms"] / 1000 / CONFIG["speed"]
    for index, at in enumerate(range(0, len(audio), CHUNK_BYTES)):
        if at <= CONTROL_AT_BYTES < at + CHUNK_BYTES:
            yield None, index * spacing_s
        yield audio[at : at + CHUNK_BYTES], index * spacing_s


def chunks(control=None, *, silence_s=0.0):
    """Yield the audio and silence after it at its pace; call ``control`` once midway."""
    started = time.monotonic()
    for chunk, due_s in _schedule(silence_s):
        if chunk is None:
            if control is not None:
                control()
            continue
        time.sleep(max(0.0, started + due_s - time.monotonic()))
        yield chunk
    report("sent")


async def chunks_async(control=None, *, silence_s=0.0):
    """The same as `chunks`, for asyncio."""
    started = time.monotonic()
    for chunk, due_s in _schedule(silence_s):
        if chunk is None:
            if control is not None:
                await control()
            continue
        await asyncio.sleep(max(0.0, started + due_s - time.monotonic()))
        yield chunk
    report("sent")
