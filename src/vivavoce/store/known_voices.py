"""The file of known voices: names of people, and what a voice encoder made of their speech."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import re
import sys
import unicodedata
from array import array
from typing import TYPE_CHECKING, Final

import msgspec

from vivavoce.errors import ConfigurationError
from vivavoce.folders import data_folder
from vivavoce.json_failures import JSON_FAILURES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["KnownVoice", "KnownVoicesFile", "known_voices_path", "voice_name"]

_VERSION: Final = 1
_NAME: Final = "voices.json"
_MAX_NAME: Final = 40  # characters
_NOT_NAMES: Final = frozenset({"pending", "unknown"})  # labels that say that nobody knows
_LABEL: Final = re.compile(r"[A-Z]{1,2}")
_LENGTHS: Final = (0.1, 1.01)  # of an embedding; it is the mean of some of length 1 that are alike


class KnownVoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A voice that has a name.

    Attributes:
        name: Of the person.
        model: Name of the voice encoder; embeddings of another one can't be compared with this one.
        embedding: Little-endian float32 values, of length 1 at most together.
        enrolled_unix: When it was enrolled, in seconds.
    """

    name: str
    model: str
    embedding: bytes
    enrolled_unix: float


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    """What the file holds.

    Attributes:
        version: Of its form.
        voices: The voices, in the order of enrolment.
    """

    version: int
    voices: tuple[KnownVoice, ...]


def known_voices_path() -> Path:
    """Return the path of the user's file, which may not exist.

    Raises:
        ConfigurationError: The user has no home folder.
    """
    folder = data_folder()
    if folder is None:
        raise ConfigurationError("there is no home folder for known voices: set VIVAVOCE_DATA to a folder")
    return folder / _NAME


def voice_name(given: str) -> str:
    """Return the name of a voice as it is stored: composed characters, single spaces.

    Raises:
        ConfigurationError: It is too long or empty, has characters that are not printed, or could be taken
            for a label that the server makes.
    """
    name = unicodedata.normalize("NFC", given).strip(" ")
    if not (name.isprintable() and 1 <= len(name) <= _MAX_NAME):
        raise ConfigurationError(
            f"the name of a voice must be 1 to {_MAX_NAME} printable characters, got {given[:50]!r}"
        )
    if _LABEL.fullmatch(name) or name.casefold() in _NOT_NAMES:
        raise ConfigurationError(
            f"the name of a voice must not be a label such as A, AB, PENDING or UNKNOWN, got {name!r}"
        )
    return re.sub(" +", " ", name)


class KnownVoicesFile:
    """Keeps known voices in a file that only its owner can read. Several processes may change it at once."""

    def __init__(self, path: Path) -> None:
        """Prepare; nothing is read.

        Args:
            path: The file, which may not exist.
        """
        self.path: Final = path

    def stamp(self) -> tuple[int, int, int] | None:
        """What differs after each change of the file; None: there is no file."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def is_open_to_others(self) -> bool:
        """Whether other users of this machine can read it."""
        try:
            return bool(self.path.stat().st_mode & 0o077)
        except OSError:
            return False

    def read(self) -> tuple[KnownVoice, ...]:
        """Return all voices, in the order of enrolment; none if there is no file.

        Raises:
            ConfigurationError: The file can't be read, or is damaged.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _unusable(self.path, error) from None
        try:
            content = msgspec.json.decode(data, type=_Content)
        except JSON_FAILURES:
            raise self._damaged() from None
        if content.version != _VERSION or not all(map(_is_sound, content.voices)):
            raise self._damaged()
        if len({voice.name.casefold() for voice in content.voices}) < len(content.voices):
            raise self._damaged()
        return content.voices

    def check_free(self, name: str) -> None:
        """Check that no voice has a name.

        Raises:
            ConfigurationError: One has, or the file is damaged.
        """
        if any(each.name.casefold() == name.casefold() for each in self.read()):
            raise ConfigurationError(f"there is a voice {name} already: use --replace, or another name")

    def add(self, voice: KnownVoice, *, replace: bool = False) -> None:
        """Add a voice.

        Args:
            voice: The voice; its name is as `voice_name` returns it.
            replace: Whether it may take the place of a voice of this name.

        Raises:
            ConfigurationError: There is a voice of this name, or the file is damaged or can't be written.
        """
        with self._changing():
            if not replace:
                self.check_free(voice.name)
            others = [each for each in self.read() if each.name.casefold() != voice.name.casefold()]
            self._write((*others, voice))

    def remove(self, name: str) -> str:
        """Delete a voice; returns its name as it was stored.

        Args:
            name: Its name; capital letters or small ones make no difference.

        Raises:
            ConfigurationError: There is none of this name, or the file is damaged or can't be written.
        """
        wanted = unicodedata.normalize("NFC", name).strip(" ").casefold()
        with self._changing():
            voices = self.read()
            found = next((each for each in voices if each.name.casefold() == wanted), None)
            if found is None:
                raise ConfigurationError(f"there is no voice {name}: vivavoce voices list shows all")
            self._write(tuple(each for each in voices if each is not found))
        return found.name

    def remove_all(self) -> bool:
        """Delete the file, also a damaged one; returns whether there was one.

        Raises:
            ConfigurationError: It can't be deleted.
        """
        if not self.path.parent.is_dir():
            return False
        with self._changing():
            is_there = self.path.exists()
            self._part.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
        return is_there

    @property
    def _part(self) -> Path:
        """Where a new version is written before it replaces the file."""
        return self.path.with_name(f"{self.path.name}.part")

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Let no other process change the file meanwhile."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                yield
            finally:
                os.close(folder)
        except OSError as error:
            raise _unusable(self.path, error) from None

    def _write(self, voices: tuple[KnownVoice, ...]) -> None:
        """Replace the file at once, or delete it if there are no voices."""
        if not voices:
            self.path.unlink()
            return
        data = msgspec.json.encode(_Content(_VERSION, voices)) + b"\n"
        self._part.unlink(missing_ok=True)  # of a process that was killed
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with open(os.open(self._part, flags, 0o600), "wb") as file:  # noqa: PTH123 - mode from the start
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self._part.replace(self.path)
        except BaseException:
            self._part.unlink(missing_ok=True)
            raise

    def _damaged(self) -> ConfigurationError:
        return ConfigurationError(
            f"{self.path} is damaged, or of a newer version: put a copy back, or delete all known voices "
            "with vivavoce voices remove --all"
        )


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{error.filename or path}: {(error.strerror or str(error)).lower()}")


def _is_sound(voice: KnownVoice) -> bool:
    """Whether a voice of the file can be one."""
    try:
        if voice_name(voice.name) != voice.name:
            return False
    except ConfigurationError:
        return False
    if not voice.embedding or len(voice.embedding) % 4 or not math.isfinite(voice.enrolled_unix):
        return False
    values = array("f", voice.embedding)
    if sys.byteorder == "big":
        values.byteswap()
    return _LENGTHS[0] <= math.hypot(*values) <= _LENGTHS[1]  # false for values that are not finite, too
