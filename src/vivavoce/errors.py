"""Every exception of the project.

::

    VivavoceError                   exit code 1
    ├── ConfigurationError          2  a setting or an argument is invalid (also ValueError)
    ├── AudioError                  1  audio can't be read (also ValueError)
    ├── MicrophoneError             1  no microphone, or it stopped
    ├── ExtrasNotInstalledError     1  an optional dependency is missing (also ImportError)
    ├── ProtocolViolation           1  the peer broke the protocol; carries a Failure
    ├── ModelError                  1  the model's files are missing or unusable
    ├── EngineError                 1  the engine has failed, and every session with it
    ├── ServerError                 1  the server can't start (a busy port, no keys)
    ├── StoreError                  1  what servers share can't be reached at the moment
    └── RealtimeError               1  a real-time session failed; the vendor's name and arguments
        ├── ConnectError            3  no server answered, or the handshake failed
        ├── RefusedError            4  the server refused: key, quota, capacity
        ├── SessionStateError       1  a call that the session's state does not allow (also RuntimeError)
        └── SessionLostError        3  the connection was lost and reconnecting failed
            └── SessionRefusedError 4  the server ended the session by a rule, or refused to go on with it

Messages have one form: "`name` must be X, got Y" for a value, otherwise what failed and why; after a
semicolon follows what to do about it.
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
    "SessionRefusedError",
    "SessionStateError",
    "StoreError",
    "VivavoceError",
]


class VivavoceError(Exception):
    """Base of all errors that this package raises on purpose.

    Attributes:
        exit_code: Exit code of the command line when this error ends it.
    """

    exit_code: ClassVar[int] = 1


class ConfigurationError(VivavoceError, ValueError):
    """A setting or an argument is invalid."""

    exit_code: ClassVar[int] = 2


class AudioError(VivavoceError, ValueError):
    """An audio file, or a way of writing samples, can't be read."""


class MicrophoneError(VivavoceError):
    """No microphone can be opened, or it stopped."""


class ExtrasNotInstalledError(VivavoceError, ImportError):
    """An optional dependency is missing; the message says what to install."""


class ProtocolViolation(VivavoceError):  # noqa: N818  - the field's word for it
    """The peer broke the protocol, or requested what the server can't give.

    Args:
        failure: What kind of failure it is.
        detail: What exactly is wrong, with the value; the failure's name if empty.

    Attributes:
        failure: What kind of failure it is. Each protocol maps it to a close code.
        detail: What exactly is wrong, with the value.
    """

    def __init__(self, failure: Failure, detail: str = "") -> None:
        super().__init__(detail or failure.name.lower().replace("_", " "))
        self.failure = failure
        self.detail = detail


class ModelError(VivavoceError):
    """The model's files are missing or unusable."""


class EngineError(VivavoceError):
    """The engine has failed: every session fails and the server is not ready."""


class ServerError(VivavoceError):
    """The server can't start."""


class StoreError(VivavoceError):
    """What servers share can't be reached at the moment, or refuses."""


class RealtimeError(VivavoceError):
    """A real-time session failed.

    Args:
        message: What happened.
        status_code: The WebSocket close code or HTTP status, if there was one.
        code: The same, under the name that the vendor's v3 uses.

    Attributes:
        status_code: The WebSocket close code or HTTP status; None if there was none.
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
    """The server refused the session: a wrong key, a quota, no capacity."""

    exit_code: ClassVar[int] = 4


class SessionStateError(RealtimeError, RuntimeError):
    """A call that the state of the session does not allow: no session is open, or one is open already."""


class SessionLostError(RealtimeError):
    """The connection was lost and reconnecting failed, so some audio was not transcribed.

    Args:
        message: What happened.
        status_code: The WebSocket close code, if there was one.
        lost_ms: Audio without a transcript, in milliseconds.

    Attributes:
        lost_ms: Audio without a transcript, in milliseconds: from the end of the last finished turn to the
            end of the audio that was sent.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, status_code: int | None = None, *, lost_ms: int = 0) -> None:
        super().__init__(f"{message}; {lost_ms / 1000:.1f} s of audio were not transcribed", status_code)
        self.lost_ms = lost_ms


class SessionRefusedError(SessionLostError, RefusedError):
    """The server ended an open session by one of its rules, or refused to continue it elsewhere.

    A key that was withdrawn, a quota that is used up, audio that came too fast: another connection would be
    refused, too. Audio since the last finished turn was not transcribed.
    """

    exit_code: ClassVar[int] = 4
