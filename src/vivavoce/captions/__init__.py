"""Captions from words and their times: cues with readable line breaks, as SubRip (SRT) and WebVTT.

>>> from vivavoce.captions import captions, to_srt
>>> from vivavoce.types import Word
>>> words = [Word("Good", 0, 300, 0.9), Word("morning.", 320, 900, 0.9)]
>>> print(to_srt(captions([words])), end="")
1
00:00:00,000 --> 00:00:01,000
Good morning.
<BLANKLINE>
"""

from vivavoce.captions.cues import Captioner, Cue, captions
from vivavoce.captions.formats import srt_block, to_srt, to_vtt, vtt_block, vtt_head
from vivavoce.captions.line_breaking import Style
from vivavoce.captions.revisions import TurnLog
from vivavoce.captions.speakers import SpeakerMark

__all__ = [
    "Captioner",
    "Cue",
    "SpeakerMark",
    "Style",
    "TurnLog",
    "captions",
    "srt_block",
    "to_srt",
    "to_vtt",
    "vtt_block",
    "vtt_head",
]
