"""The vocabulary of a model: from token ids to words, and from text to token ids."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vivavoce.asr.models.tensor_files import read_json
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Vocabulary", "WordTokens"]

_SPACE = "\u2581".encode()  # sentencepiece's mark for the space before a word
_MOST_TOKENS: Final = 2**20
_LONG = 128  # a length from here on takes two bytes


@dataclass(frozen=True, slots=True)
class WordTokens:
    """A word and the run of tokens that spells it.

    Attributes:
        text: The word.
        first: Index of its first token in the sequence.
        n_tokens: Number of tokens that spell it.
    """

    text: str
    first: int
    n_tokens: int


class Vocabulary:
    """The text of each token."""

    def __init__(self, pieces: Sequence[bytes], *, n_special: int = 3) -> None:
        """Take the texts of all tokens.

        Args:
            pieces: UTF-8 text of each token; a space is U+2581.
            n_special: Number of ids at the start that are marks, without text.
        """
        self._pieces = [_as_bytes(piece) for piece in pieces]
        for index in range(min(n_special, len(self._pieces))):
            self._pieces[index] = b""
        # Single bytes have the first ids. A later piece of the same text takes precedence.
        self._ids = {piece: index for index, piece in enumerate(self._pieces) if piece}

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read Moonshine's ``tokenizer.bin``: the length and the bytes of each token.

        A length of 128 or more takes two bytes: ``second * 128 + first - 128``.

        Raises:
            ModelError: The file is truncated.
        """
        data = path.read_bytes()
        pieces: list[bytes] = []
        at = 0
        while at < len(data):
            length = data[at]
            at += 1
            if length >= _LONG and at < len(data):
                length = data[at] * _LONG + length - _LONG
                at += 1
            if at + length > len(data):
                raise ModelError(f"{path.name} is truncated")
            pieces.append(data[at : at + length])
            at += length
        return cls(pieces)

    @classmethod
    def load_json(cls, path: Path, *, size: int = 0) -> Vocabulary:
        """Read a Hugging Face ``tokenizer.json``: a BPE with U+2581 for spaces, and bytes as a fallback.

        Added tokens that are marked as special have no text.

        Args:
            path: Of the file.
            size: Number of tokens of the model; those that the file does not have are without text, too.
                0: as many as the file has.

        Raises:
            ModelError: The file is missing, damaged, or of another kind.
        """
        raw = read_json(path)
        model = raw["model"] if isinstance(raw.get("model"), dict) else {}
        pieces = model.get("vocab")
        if not isinstance(pieces, dict) or model.get("type") != "BPE" or not model.get("byte_fallback"):
            raise ModelError(
                f"{path} must hold a BPE with byte fallback: the folder must be a Moonshine model's"
            )
        try:
            ids = {_checked_id(id_): piece for piece, id_ in pieces.items()}
            special: set[int] = set()
            for token in raw.get("added_tokens", ()):
                ids[_checked_id(token["id"])] = str(token["content"])
                if token.get("special"):
                    special.add(token["id"])
            n_tokens = max(ids, default=-1) + 1
            if size and n_tokens > size:
                raise ModelError(
                    f"{path} has {n_tokens} tokens and the model {size}: both must be of the same model"
                )
            texts = (b"" if id_ in special else ids.get(id_, "").encode() for id_ in range(size or n_tokens))
            return cls(list(texts), n_special=0)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{path} is damaged ({error!r}): download the model again") from error

    def __len__(self) -> int:
        return len(self._pieces)

    def spell(self, text: str) -> tuple[int, ...] | None:
        """Tokenise a text that starts at a word, as the model's training data was tokenised.

        Source: byte pair encoding as in T. Kudo and J. Richardson, "SentencePiece", 2018. Of all neighbours
        that form a piece together, the pair with the smallest id is joined first.

        Returns:
            The tokens; None if the vocabulary has no piece for a character.
        """
        parts = [character.encode() for character in f" {text}".replace(" ", _SPACE.decode())]
        if not all(part in self._ids for part in parts):
            return None
        while True:
            joined = [
                (self._ids[left + right], place)
                for place, (left, right) in enumerate(itertools.pairwise(parts))
                if left + right in self._ids
            ]
            if not joined:
                return tuple(self._ids[part] for part in parts)
            _, place = min(joined)
            parts[place : place + 2] = [parts[place] + parts[place + 1]]

    def words(self, tokens: Sequence[int]) -> tuple[WordTokens, ...]:
        """Split a token sequence into words; each token belongs to exactly one word.

        A token that starts with a space starts a word; tokens before the first such token belong to the
        first word. Marks and bare spaces belong to the word before them.
        """
        starts: list[int] = []
        for index, token in enumerate(tokens):
            piece = self._pieces[token]
            if not starts or (piece.startswith(_SPACE) and len(piece) > len(_SPACE)):
                starts.append(index)
        words: list[WordTokens] = []
        for first, end in itertools.pairwise([*starts, len(tokens)]):
            raw = b"".join(self._pieces[token] for token in tokens[first:end])
            text = raw.replace(_SPACE, b" ").decode(errors="ignore").strip()
            words.append(WordTokens(text, first, end - first))
        return tuple(words)


def _checked_id(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _MOST_TOKENS:
        raise ValueError(f"the id of a token must be an integer from 0 to {_MOST_TOKENS - 1}, got {value!r}")
    return value


def _as_bytes(piece: bytes) -> bytes:
    """Decode a byte token (``<0x41>``) to its byte, and a vendor mark (``<<ST_1>>``) to no text."""
    if piece.startswith(b"<<") and piece.endswith(b">>"):
        return b""
    if len(piece) == len(b"<0x00>") and piece.startswith(b"<0x") and piece.endswith(b">"):
        return bytes.fromhex(piece[3:5].decode())
    return piece
