"""What reads bytes that others write: any bytes are read, or refused by a documented error.

`tests/unit/test_fuzz_targets.py` tries each target with random and damaged bytes; `scripts/fuzz` follows the
branches that inputs reach, for as long as one likes.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import struct
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from vivavoce.asr.models.tensor_files import TensorFiles
from vivavoce.asr.models.torch_files import read_tensors
from vivavoce.asr.models.vocabulary import Vocabulary
from vivavoce.asr.models.whisper.vocabulary import WhisperVocabulary
from vivavoce.bench.corpus import read_manifest
from vivavoce.cli.config import read_config
from vivavoce.client.address import Address
from vivavoce.errors import AudioError, ConfigurationError, ModelError, ProtocolViolation
from vivavoce.protocol.aai_v2.dialect import V2Factory
from vivavoce.protocol.aai_v2.messages import decode_server_message
from vivavoce.protocol.aai_v3.dialect import V3Factory
from vivavoce.protocol.aai_v3.messages import decode_event
from vivavoce.protocol.token_requests import read_v2_request, read_v3_query
from vivavoce.recordings.wav import read_wav_header
from vivavoce.server.access.proxies import TrustedProxies
from vivavoce.server.webhook_addresses import refused_host

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TARGETS", "Target"]

_FACTORIES = {"v2": V2Factory(), "v3": V3Factory()}
_PROXIES = TrustedProxies(["127.0.0.0/8"])


@dataclass(frozen=True, slots=True)
class Target:
    """One reader.

    Attributes:
        read: Reads bytes; whatever it raises is a defect.
        seeds: Bytes that it reads well.
    """

    read: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode()


def _pairs(query: bytes) -> list[tuple[str, str]]:
    """Read a query string as Starlette does."""
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True)


def _message(name: str, data: bytes) -> None:
    dialect = _FACTORIES[name].open([("sample_rate", "16000")])
    for message in (data, _text(data)):
        with contextlib.suppress(ProtocolViolation):
            dialect.decode(message)


def _handshake(name: str, data: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        _FACTORIES[name].open(_pairs(data))


def _server_message(decode: Callable[[str | bytes], object], data: bytes) -> None:
    for message in (data, _text(data)):
        with contextlib.suppress(ProtocolViolation):
            decode(message)


def _token_request(data: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        read_v2_request(data)
    with contextlib.suppress(ProtocolViolation):
        read_v3_query(_pairs(data))


def _forwarded(data: bytes) -> None:
    for name in (b"x-forwarded-for", b"forwarded"):
        assert _PROXIES.address_of("127.0.0.1", [(name, line) for line in data.split(b"\n")])


def _wav_header(data: bytes) -> None:
    with contextlib.suppress(AudioError):
        read_wav_header(io.BytesIO(data).read)


def _address(data: bytes) -> None:
    with contextlib.suppress(ConfigurationError):
        str(Address.parse(_text(data)))


def _host(data: bytes) -> None:
    refused_host(_text(data).lower())


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that is deleted when the program ends."""
    return tempfile.TemporaryDirectory(prefix="vivavoce-fuzz-")


def _of_file(name: str, error: type[Exception], read: Callable[[Path], object]) -> Callable[[bytes], None]:
    """Return the reader of the content of a file."""

    def target(data: bytes) -> None:
        path = Path(_folder().name) / name
        path.write_bytes(data)
        with contextlib.suppress(error):
            read(path)

    return target


def _tensors(path: Path) -> None:
    files = TensorFiles(path.parent)
    for name in ("a", "b"):
        if name in files:
            files.floats(name)


def _safetensors() -> bytes:
    header = json.dumps({
        "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "b": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [8, 12]},
    }).encode()  # fmt: skip
    return struct.pack("<Q", len(header)) + header + bytes(12)


def _archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00X\x05\x00\x00\x00stateq\x01}q\x02s.")
        archive.writestr("archive/data/0", bytes(8))
    return file.getvalue()


def _wav() -> bytes:
    chunk = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16)
    return struct.pack("<I4s", 36, b"WAVE") + chunk + struct.pack("<4sI", b"data", 4) + bytes(4)


def _json(**fields: object) -> bytes:
    return json.dumps(fields).encode()


_WORD = {"start": 0, "end": 100, "text": "word", "confidence": 0.9, "word_is_final": True}
_BPE = {
    "model": {"type": "BPE", "byte_fallback": True, "vocab": {"a": 0, "<0x62>": 1}},
    "added_tokens": [{"id": 2, "content": "<s>", "special": True}],
}

TARGETS: dict[str, Target] = {
    "v2 message": Target(
        functools.partial(_message, "v2"),
        (
            b'{"terminate_session": true}', b'{"force_end_utterance": true}', b'{"audio_data": "AAAA"}',
            b'{"end_utterance_silence_threshold": 300}',
        ),
    ),
    "v3 message": Target(
        functools.partial(_message, "v3"),
        (
            b'{"type": "Terminate"}', b'{"type": "ForceEndpoint"}', b'{"type": "KeepAlive"}',
            b'{"type": "UpdateConfiguration", "max_turn_silence": 900, "keyterms_prompt": ["a b"]}',
        ),
    ),
    "v2 handshake": Target(
        functools.partial(_handshake, "v2"),
        (b"sample_rate=16000&word_boost=%5B%22a%22%5D&encoding=pcm_mulaw", b"sample_rate=8000&room=x"),
    ),
    "v3 handshake": Target(
        functools.partial(_handshake, "v3"),
        (
            b"sample_rate=16000&format_turns=true&keyterms_prompt=%5B%22a%22%5D&speaker_labels=true",
            b"sample_rate=48000&max_turn_silence=900&webhook_url=https%3A%2F%2Fexample.org&room=x",
        ),
    ),
    "v2 server message": Target(
        functools.partial(_server_message, decode_server_message),
        (
            _json(message_type="SessionBegins", session_id="x", expires_at="2026-01-01T00:00:00"),
            _json(message_type="FinalTranscript", text="word", words=[_WORD], audio_start=0, audio_end=100),
            _json(error="Not authorized"),
        ),
    ),
    "v3 server message": Target(
        functools.partial(_server_message, decode_event),
        (
            _json(type="Begin", id="x", expires_at=1),
            _json(type="Turn", turn_order=0, end_of_turn=True, transcript="word", words=[_WORD]),
            _json(type="SpeakerRevision", revisions=[{"turn_order": 0, "words": [_WORD]}]),
        ),
    ),
    "token request": Target(_token_request, (b'{"expires_in": 300}', b"expires_in_seconds=60")),
    "forwarded header": Target(
        _forwarded, (b"192.0.2.1, 127.0.0.1", b'for="[2001:db8::1]:4711";proto=https, for=192.0.2.9')
    ),
    "WAV header": Target(_wav_header, (_wav(),)),
    "address of a server": Target(_address, (b"ws://localhost:8000/prefix", b"https://[::1]/")),
    "host of a webhook": Target(_host, (b"example.org", b"0x7f.1", b"2001:db8::1")),
    "configuration file": Target(
        _of_file("config.toml", ConfigurationError, read_config),
        (b'[serve]\nport = 8000\nkeys = ["a"]\n',),
    ),
    "manifest": Target(
        _of_file("manifest.jsonl", ConfigurationError, lambda path: read_manifest(path.parent)),
        (_json(id="a", kind="read", audio="a.wav", text="x", duration_s=1.0, sample_rate=16_000) + b"\n",),
    ),
    "tokenizer.bin": Target(
        _of_file("tokenizer.bin", ModelError, Vocabulary.load), (b"\x01a\x02bc\x80\x01" + b"d" * 128,)
    ),
    "tokenizer.json": Target(
        _of_file("tokenizer.json", ModelError, Vocabulary.load_json), (json.dumps(_BPE).encode(),)
    ),
    "tokenizer.json of Whisper": Target(
        _of_file("whisper.json", ModelError, WhisperVocabulary.load), (json.dumps(_BPE).encode(),)
    ),
    "safetensors": Target(
        _of_file("model.safetensors", ModelError, _tensors), (_safetensors(),)
    ),
    "archive of torch": Target(
        _of_file("model.pt", ModelError, lambda path: read_tensors(path, "state")), (_archive(),)
    ),
    "pickle of torch": Target(
        _of_file("old.pt", ModelError, lambda path: read_tensors(path, None)),
        (b"\x80\x02}q\x00X\x05\x00\x00\x00stateq\x01}q\x02s.",),
    ),
}  # fmt: skip
