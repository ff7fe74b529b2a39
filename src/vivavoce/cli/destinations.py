"""Check that a command overwrites no recording, before it opens any file.

Two paths are the same file if they lead to the same inode, whatever links are between. Devices and pipes
may be written by several outputs; only regular files are compared.
"""

from __future__ import annotations

import codecs
import errno
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeAlias

from vivavoce.cli.guarded import opening_problem
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Identity: TypeAlias = "tuple[int, int] | str"

__all__ = ["Place", "check_distinct", "check_writable", "refuse_other_than_text", "refuse_other_than_wav"]

_SAMPLE_BYTES: Final = 4096
_WAV_MAGICS: Final = (b"RIFF", b"RF64")


class _Descriptor(Protocol):
    def fileno(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a command reads or writes.

    Attributes:
        label: Its name in messages.
        identity: Equal for two places in the same file; None if it is no regular file.
    """

    label: str
    identity: Identity | None

    @classmethod
    def of_path(cls, path: str | os.PathLike[str], label: str | None = None) -> Self:
        """Return the place at a path, which may not exist yet.

        Args:
            path: The path.
            label: Its name in messages; the path if None.
        """
        identity: Identity | None
        try:
            identity = _inode(os.stat(path))  # noqa: PTH116  - a path may be any PathLike
        except (OSError, ValueError):
            identity = os.path.normcase(os.path.realpath(path))
        return cls(label or str(path), identity)

    @classmethod
    def of_stream(cls, stream: _Descriptor, label: str) -> Self:
        """Return the place of an open stream, such as standard input that comes from a file."""
        try:
            return cls(label, _inode(os.fstat(stream.fileno())))
        except (OSError, ValueError, AttributeError):  # a program replaced it by an object without a file
            return cls(label, None)


def _inode(status: os.stat_result) -> tuple[int, int] | None:
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def check_distinct(inputs: Sequence[Place], outputs: Sequence[Place]) -> None:
    """Check that no output is an input, and that no two outputs are one file.

    Raises:
        ConfigurationError: Two places are the same file.
    """
    recordings = {place.identity: place.label for place in inputs if place.identity is not None}
    written: dict[Identity, str] = {}
    for place in outputs:
        if place.identity is None:
            continue
        recording = recordings.get(place.identity)
        if recording is not None:
            raise ConfigurationError(
                f"{place.label} is the recording {recording} and would overwrite it; write to another file"
            )
        if place.identity in written:
            raise ConfigurationError(
                f"{written[place.identity]} and {place.label} are the same file; "
                "give each output a file of its own"
            )
        written[place.identity] = place.label


def check_writable(path: Path, *, makes_folder: bool = False) -> None:
    """Check that a file can be opened for writing; it is left as it is, and one that is new is removed again.

    Args:
        path: The file; a pipe or a device is not opened, since its reader would notice.
        makes_folder: Whether its folder is made later, if there is none.

    Raises:
        ConfigurationError: It can't be opened.
    """
    try:
        if makes_folder and not path.parent.exists():
            _check_may_make(path.parent)
            return
        target = path.resolve()  # a link stays, and what it points to is checked
        if not target.exists():
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            target.unlink()
        elif target.is_file():
            os.close(os.open(target, os.O_WRONLY))
        elif target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise ConfigurationError(opening_problem(path, error)) from None


def _check_may_make(folder: Path) -> None:
    there = next(each for each in folder.parents if each.exists())
    code = 0 if there.is_dir() else errno.ENOTDIR
    if not code and not os.access(there, os.W_OK | os.X_OK):
        code = errno.EACCES
    if code:
        raise OSError(code, os.strerror(code))


def _start_of(path: Path) -> bytes:
    """Return the first bytes of a regular file; none if there is no such file."""
    try:
        if not path.is_file():  # opening a pipe would wait for its writer
            return b""
        with path.open("rb") as file:
            return file.read(_SAMPLE_BYTES)
    except OSError:
        return b""  # opening it for writing reports the reason


def refuse_other_than_text(path: Path) -> None:
    """Check that a file to overwrite with text holds text, and thus no recording.

    Raises:
        ConfigurationError: It holds something else.
    """
    start = _start_of(path)
    try:
        is_text = b"\0" not in start
        codecs.getincrementaldecoder("utf-8")().decode(start)  # may end within a character
    except UnicodeDecodeError:
        is_text = False
    if not is_text:
        raise ConfigurationError(
            f"{path} exists and holds no text, so it may be a recording; "
            "write to another file, or delete it first"
        )


def refuse_other_than_wav(path: Path) -> None:
    """Check that a file to overwrite with audio is a WAV file.

    Raises:
        ConfigurationError: It holds something else.
    """
    start = _start_of(path)
    if start and not start.startswith(_WAV_MAGICS):
        raise ConfigurationError(
            f"{path} exists and is no WAV file; save the audio to another file, or delete it first"
        )
