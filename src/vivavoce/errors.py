"""Every exception of the project.

::

    VivavoceError                   exit code 1
    ├── ConfigurationError          2  a setting or an argument that can't be used (also ValueError)
    ├── AudioError                  1  a recording that can't be read (also ValueError)
    ├── MicrophoneError             1  no microphone, or it stopped
    ├── ExtrasNotInstalledError     1  an optional dependency is missing (also ImportError)
    ├── ProtocolViolation           1  the peer broke the protocol; carries a Failure
    ├── ModelError                  1  the model's files are missing or unusable
    ├── EngineError                 1  the engine is dead: no session can go on
    ├── ServerError                 1  the server can't start (a busy port, no keys)
    └── RealtimeError               1  a real-time session failed; the vendor's name and arguments
        ├── ConnectError            3  no server, or the handshake failed
        ├── RefusedError            4  the server said no: key, quota, full
        └── SessionLostError        3  the connection was lost and could not be made again
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from vivavoce.types import Failure

__all__ = [
    "AudioError",
    "ConfigurationError",
    "ConnectError",
    "EngineError",
    "ExtrasNotInstalledError",
    "MicrophoneError",
    "ModelError",
    "ProtocolViolation",
    "RealtimeError",
    "RefusedError",
    "ServerError",
    "SessionLostError",
    "VivavoceError",
]


class VivavoceError(Exception):
    """Base of all errors raised on purpose.

    Attributes:
        exit_code: What the command line exits with when this error ends it.
    """

    exit_code: ClassVar[int] = 1


class ConfigurationError(VivavoceError, ValueError):
    """A setting or an argument that can't be used."""

    exit_code: ClassVar[int] = 2


class AudioError(VivavoceError, ValueError):
    """A recording or a sample format that can't be read."""


class MicrophoneError(VivavoceError):
    """No microphone can be opened, or it stopped."""


class ExtrasNotInstalledError(VivavoceError, ImportError):
    """An optional dependency is missing; the message says what to install."""


class ProtocolViolation(VivavoceError):  # noqa: N818  - the field's word for it
    """The peer broke the protocol, or asked for what can't be given.

    Attributes:
        failure: What kind of fault it is; a dialect turns it into a close code.
        detail: What exactly was wrong, naming the value.
    """

    def __init__(self, failure: Failure, detail: str = "") -> None:
        super().__init__(detail or failure.name.lower().replace("_", " "))
        self.failure = failure
        self.detail = detail


class ModelError(VivavoceError):
    """The model's files are missing or unusable."""


class EngineError(VivavoceError):
    """The engine is dead: every session fails and the server is not ready."""


class ServerError(VivavoceError):
    """The server can't start."""


class RealtimeError(VivavoceError):
    """A real-time session failed.

    Attributes:
        status_code: The WebSocket close code or HTTP status, where there was one.
        code: The same, under the name that the vendor's v3 gives it.
    """

    def __init__(self, message: str, status_code: int | None = None, *, code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = code if status_code is None else status_code

    @property
    def code(self) -> int | None:
        """The same as ``status_code``."""
        return self.status_code


class ConnectError(RealtimeError):
    """No server answered, or the handshake failed."""

    exit_code: ClassVar[int] = 3


class RefusedError(RealtimeError):
    """The server answered and said no: a wrong key, a quota, no free place."""

    exit_code: ClassVar[int] = 4


class SessionLostError(RealtimeError):
    """The connection was lost and could not be made again, so that some audio was not transcribed.

    Attributes:
        lost_ms: How much: from the end of the last finished turn to the end of what was sent, in
            milliseconds of audio.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, status_code: int | None = None, *, lost_ms: int = 0) -> None:
        super().__init__(f"{message}; {lost_ms / 1000:.1f} s of audio were not transcribed", status_code)
        self.lost_ms = lost_ms
