"""The short interface: one call that opens a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vivavoce.client.backoff import Reconnect
from vivavoce.client.timeouts import CLOSE_LIMIT_S, Timeouts
from vivavoce.protocol.aai_v3.choices import StreamEncoding

if TYPE_CHECKING:
    from vivavoce.client.async_session import Connecting
    from vivavoce.client.session import Session
    from vivavoce.client.session_config import SessionConfig
    from vivavoce.client.transport import Transport

__all__ = ["KEEP", "connect", "connect_async"]

KEEP: Final = Reconnect()
"""How a lost connection is restored by default."""


def _config(
    sample_rate: int,
    encoding: StreamEncoding | str,
    timeout_s: float,
    close_timeout_s: float,
    *,
    partials: bool,
    options: dict[str, Any],
    **others: Any,
) -> SessionConfig:
    # Importing what a session needs takes longer than everything else here.
    from vivavoce.client.session_config import build_parameters, make_session_config  # noqa: PLC0415

    parameters = build_parameters(sample_rate, encoding, partials=partials, options=options)
    timeouts = Timeouts(connect_s=timeout_s, begin_s=timeout_s, close_s=close_timeout_s)
    return make_session_config(parameters, timeouts=timeouts, **others)


def connect(
    *,
    sample_rate: int = 16_000,
    encoding: StreamEncoding | str = StreamEncoding.pcm_s16le,
    url: str | None = None,
    api_key: str | None = None,
    token: str | None = None,
    partials: bool = True,
    reconnect: Reconnect | None = KEEP,
    timeout_s: float = 10.0,
    close_timeout_s: float = CLOSE_LIMIT_S,
    transport: Transport | None = None,
    **options: Any,
) -> Session:
    """Open a session; use it in a ``with`` block, or close it.

    Args:
        sample_rate: Rate of the audio, in Hz.
        encoding: Encoding of the audio. Compressed audio is sent piece by piece as it is, and its session
            ends with its connection.
        url: The server's address, ``ws://…``, ``wss://…``, ``http://…`` or ``https://…``; the settings'
            if None.
        api_key: The key; the settings' if None.
        token: A temporary token to use instead of the key.
        partials: Whether to receive unfinished turns.
        reconnect: How to restore a lost connection; None: the session ends with it.
        timeout_s: Limit for opening the connection, and again for the beginning of the session, in seconds.
        close_timeout_s: Limit without progress while the session closes, in seconds, by default 60; up to
            twice that if audio was sent faster than real time.
        transport: Opens connections; WebSockets if None.
        **options: Parameters of :class:`vivavoce.streaming.v3.RealTimeParameters`, such as
            ``keyterms_prompt=["Vivavoce"]`` or ``max_turn_silence=800``.

    Raises:
        ConnectError: No server answers, or what answers is not a server of this protocol.
        RefusedError: The server refused the session: a wrong key, a quota, no capacity.
        ConfigurationError: An argument is invalid.
    """
    from vivavoce.client.session import Session  # noqa: PLC0415  - imports asyncio

    config = _config(
        sample_rate,
        encoding,
        timeout_s,
        close_timeout_s,
        partials=partials,
        options=options,
        url=url,
        api_key=api_key,
        token=token,
        reconnect=reconnect,
        transport=transport,
    )
    return Session(config).open()


def connect_async(
    *,
    sample_rate: int = 16_000,
    encoding: StreamEncoding | str = StreamEncoding.pcm_s16le,
    url: str | None = None,
    api_key: str | None = None,
    token: str | None = None,
    partials: bool = True,
    reconnect: Reconnect | None = KEEP,
    timeout_s: float = 10.0,
    close_timeout_s: float = CLOSE_LIMIT_S,
    transport: Transport | None = None,
    **options: Any,
) -> Connecting:
    """Open a session on the running event loop: use it in ``async with``, or ``await`` it.

    Arguments and errors are those of :func:`connect`.
    """
    from vivavoce.client.async_session import Connecting  # noqa: PLC0415  - imports asyncio

    config = _config(
        sample_rate,
        encoding,
        timeout_s,
        close_timeout_s,
        partials=partials,
        options=options,
        url=url,
        api_key=api_key,
        token=token,
        reconnect=reconnect,
        transport=transport,
    )
    return Connecting(config)
