"""Options that label turns by their speakers."""

from __future__ import annotations

from typing import Annotated, Final

import typer

__all__ = ["MaxSpeakersOption", "SpeakersOption", "wanted_speakers"]

_MOST: Final = 10  # max_speakers of v3

SpeakersOption = Annotated[
    bool,
    typer.Option("--speakers", help="Say who speaks; the server needs a voice encoder."),
]
MaxSpeakersOption = Annotated[
    int | None,
    typer.Option(
        "--max-speakers",
        metavar="N",
        min=1,
        max=_MOST,
        show_default=False,
        help="The greatest number of speakers, if it is known; includes --speakers.",
    ),
]


def wanted_speakers(speakers: bool, most: int | None) -> str | None:
    """Return how many speakers to tell apart, or ``any``; None: none.

    Args:
        speakers: Value of ``--speakers``.
        most: Value of ``--max-speakers``.
    """
    if most is not None:
        return str(most)
    return "any" if speakers else None
