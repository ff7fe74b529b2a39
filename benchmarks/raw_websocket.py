"""What goes over a socket to a server: handshakes, frames, and random messages that no client would send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from websockets.frames import Frame, Opcode

if TYPE_CHECKING:
    import random

__all__ = ["close_code", "frame", "random_message", "upgrade"]


def upgrade(path: str) -> bytes:
    """The request that opens a WebSocket."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    """A masked frame, which need not be a valid one."""
    whole = bytearray(Frame(opcode, data).serialize(mask=True))
    whole[0] &= 0xFF if fin else 0x7F  # also of control frames, which must not be fragments
    return bytes(whole)


def random_message(dice: random.Random) -> bytes:
    """A frame, or what looks like one."""
    names = ["type", "Terminate", "UpdateConfiguration", "ForceEndpoint", "audio_data", "terminate_session"]
    names += [
        "vad_threshold",
        "keyterms_prompt",
        "end_utterance_silence_threshold",
        "min_turn_silence",
        "KeepAlive",
    ]

    def value(depth: int = 0) -> Any:
        if depth < 4 and dice.random() < 0.5:  # noqa: PLR2004 - a few levels
            return {dice.choice(names): value(depth + 1) for _ in range(dice.randrange(4))}
        return dice.choice([None, True, 7, -1e308, 10**40, "é\0", dice.choice(names), [], {}, "A" * 500])

    match dice.randrange(8):
        case 0 | 1:
            return frame(Opcode.TEXT, json.dumps(value()).encode())
        case 2:
            return frame(
                Opcode.TEXT, json.dumps({"type": dice.choice(names), dice.choice(names): value()}).encode()
            )
        case 3:
            return frame(Opcode.BINARY, dice.randbytes(dice.choice([0, 1, 2, 1_600, 3_200, 90_000, 140_000])))
        case 4:
            return frame(Opcode.TEXT, dice.randbytes(dice.randrange(40)))
        case 5:
            opcode = dice.choice([Opcode.PING, Opcode.PONG, Opcode.CONT, Opcode.CLOSE, Opcode.BINARY])
            return frame(opcode, dice.randbytes(dice.randrange(126)), fin=dice.random() < 0.7)  # noqa: PLR2004
        case 6:
            whole = bytearray(frame(Opcode.BINARY, bytes(3_200)))
            whole[dice.randrange(len(whole))] ^= 1 << dice.randrange(8)
            return bytes(whole)
        case _:
            return dice.randbytes(dice.randrange(60))


def close_code(data: bytes) -> int | None:
    """The code of the close frame in what a server sent; None: there is none."""
    at = data.find(b"\r\n\r\n") + 4
    while at + 2 <= len(data):
        size, head = data[at + 1] & 127, 2
        if size >= 126:  # noqa: PLR2004 - RFC 6455, section 5.2
            head = 4 if size == 126 else 10  # noqa: PLR2004
            size = int.from_bytes(data[at + 2 : at + head], "big")
        if data[at] & 15 == Opcode.CLOSE and size:
            return int.from_bytes(data[at + head : at + head + 2], "big")
        at += head + size
    return None
