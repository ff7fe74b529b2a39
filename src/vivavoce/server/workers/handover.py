"""Hands an accepted connection to another process: its descriptor, with a note."""

from __future__ import annotations

import socket
import sys
from typing import Any, Final

import msgspec

__all__ = ["receive_socket", "send_socket", "socket_pair"]

_MAX_NOTE: Final = 1_024  # bytes
_MAX_DESCRIPTORS: Final = 1


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Return two ends that keep messages apart, for `send_socket` and `receive_socket`; neither blocks."""
    kind = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM
    ends = socket.socketpair(socket.AF_UNIX, kind)
    for end in ends:
        end.setblocking(False)
    return ends


def send_socket(end: socket.socket, note: Any, sock: socket.socket) -> bool:
    """Send a socket; this process may close its own then.

    Args:
        end: From `socket_pair`.
        note: What to send with it; short, and of simple types.
        sock: The socket.

    Returns:
        Whether it was sent; False: the receiver is behind, or gone.
    """
    try:
        socket.send_fds(end, [msgspec.msgpack.encode(note)], [sock.fileno()])
    except OSError:
        return False
    return True


def receive_socket(end: socket.socket) -> tuple[Any, socket.socket] | None:
    """Return the next socket with its note; None: there is none now, or the sender is gone."""
    try:
        data, descriptors, _, _ = socket.recv_fds(end, _MAX_NOTE, _MAX_DESCRIPTORS)
    except OSError:
        return None
    if not descriptors:
        return None
    sock = socket.socket(fileno=descriptors[0])
    sock.setblocking(False)
    return msgspec.msgpack.decode(data), sock
