"""A page filmed: its frames, a film of them for people to look at, and what moved in them."""

import base64
import io
import itertools
from fractions import Fraction

import numpy as np


class Film:
    """Films a page of Chromium until `stop`."""

    def __init__(self, page):
        self._frames = []  # (seconds, PNG)
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._take)
        self._session.send("Page.startScreencast", {"format": "png", "everyNthFrame": 1})

    def _take(self, event):
        self._frames.append((event["metadata"]["timestamp"], base64.b64decode(event["data"])))
        self._session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    def stop(self):
        """Stops filming; returns how many frames there are, and how many seconds they took."""
        self._session.send("Page.stopScreencast")
        return len(self._frames), self._frames[-1][0] - self._frames[0][0]

    def frames(self):
        """Yields when each frame was shown, in seconds, and its pixels, uint8, (height, width, 3)."""
        import av

        for at, png in self._frames:
            with av.open(io.BytesIO(png)) as file:
                yield at, next(file.decode(video=0)).to_ndarray(format="rgb24")


def save(frames, path):
    """Writes a film at the pace at which its frames were shown."""
    import av

    frames = iter(frames)
    began, first = next(frames)
    height, width = (size // 2 * 2 for size in first.shape[:2])
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"crf": "28"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, 1000)
        for at, pixels in itertools.chain([(began, first)], frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), format="rgb24")
            frame.pts, frame.time_base = round((at - began) * 1000), Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def jumps_back(frames, slots):
    """Counts lines of text that moved down.

    Args:
        frames: As `Film.frames` gives them; the first pixel of the first is the background.
        slots: Where lines are, from above: (top, bottom) in pixels.
    """
    jumps, before, background = 0, [], None
    for _, pixels in frames:
        background = background or pixels[:1].tobytes()[:3]
        now = [pixels[top:bottom].tobytes() for top, bottom in slots]
        empty = background * (len(now[0]) // 3)
        shown = [(slot, line) for slot, line in enumerate(now) if line != empty]
        jumps += sum(line == other and slot > place for slot, line in shown for place, other in before)
        before = shown
    return jumps


def withdrawn(states):
    """How many words the overlay took back, and how many it showed; lines that rolled away do not count."""
    taken, shown, before = 0, 0, []
    for now in states:
        rolled = next(n for n in range(len(before) + 1) if now[: max(0, len(before) - 1 - n)] == before[n:-1])
        at = max(0, len(before) - 1 - rolled)  # of the line that was the last one
        old, new = (" ".join(lines).split() for lines in (before[rolled:][at:], now[at:]))
        same = sum(
            1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))
        )
        taken += len(old) - same
        shown += len(new) - same
        before = now
    return taken, shown
