"""What the client programs share: what they are told, the sound, and one JSON object a line for what happens.

Standard library only: it runs in the environment of every client.
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

_began = time.monotonic()
_lock = threading.Lock()


def tell(event, **fields):
    """Say on one line of standard output what happened; handlers run on threads of their own."""
    line = json.dumps({"event": event, "at_s": round(time.monotonic() - _began, 3), **fields})
    with _lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def words(items):
    """Words of either protocol, as the driver reads them."""
    return [
        {"text": it.text, "start": it.start, "end": it.end, "is_final": getattr(it, "word_is_final", None)}
        for it in items
    ]


def _schedule():
    """Every chunk, and how long after the first it is due; None in its place is the moment for controls."""
    sound = Path(CONFIG["sound"]).read_bytes()
    spacing_s = CONFIG["chunk_ms"] / 1000 / CONFIG["speed"]
    for index, at in enumerate(range(0, len(sound), CHUNK_BYTES)):
        if at <= CONTROL_AT_BYTES < at + CHUNK_BYTES:
            yield None, index * spacing_s
        yield sound[at : at + CHUNK_BYTES], index * spacing_s


def chunks(control=None):
    """The sound, at its pace; ``control`` is called once on the way."""
    began = time.monotonic()
    for chunk, due_s in _schedule():
        if chunk is None:
            if control is not None:
                control()
            continue
        time.sleep(max(0.0, began + due_s - time.monotonic()))
        yield chunk
    tell("sent")


async def chunks_async(control=None):
    """As `chunks`, for asyncio."""
    began = time.monotonic()
    for chunk, due_s in _schedule():
        if chunk is None:
            if control is not None:
                await control()
            continue
        await asyncio.sleep(max(0.0, began + due_s - time.monotonic()))
        yield chunk
    tell("sent")
