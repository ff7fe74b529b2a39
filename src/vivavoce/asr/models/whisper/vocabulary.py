"""Whisper's vocabulary: words from tokens, tokens from text, and the marks that a prompt consists of."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from vivavoce.asr.models.vocabulary import WordTokens
from vivavoce.errors import ModelError
from vivavoce.word_joining import is_unspaced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["WhisperVocabulary", "letters_of_bytes"]

_N_BYTES: Final = 256
_LONGEST: Final = 4  # bytes of a character
_CONTINUES: Final = 0x80  # the two highest bits of a byte that continues a character are 10
_LANGUAGE: Final = re.compile(r"<\|([a-z]{2,3})\|>")
# OpenAI's code for Javanese is not the one of ISO 639-1.
_ISO_CODES: Final = MappingProxyType({"jw": "jv"})
# Marks that belong to the word before them, by Unicode category, and marks of these categories that do not.
_CLOSING: Final = frozenset({"Pe", "Pf", "Po"})
_NOT_CLOSING: Final = frozenset("\"#&'*@\N{INVERTED QUESTION MARK}\N{INVERTED EXCLAMATION MARK}")
# Text is divided at these borders before bytes are joined: letters, digits and marks never share a token.
# Joining pairs takes a time that grows with the square of a run, and scripts without spaces have long ones.
_RUNS: Final = re.compile(r" ?[^\W\d_]{1,32}| ?\d{1,32}| ?[^\s\w]{1,32}|\s{1,32}|_{1,32}")


class WhisperVocabulary:
    """The tokens of one Whisper model.

    Attributes:
        end: Id of the mark that ends a transcript; ids from here on are marks, without text.
        start: Id of the mark that starts one.
        previous: Id of the mark before a text that was said earlier.
        transcribe: Id of the mark for writing what is said.
        translate: Id of the mark for writing it in English.
        without_times: Id of the mark for text without time marks.
        languages: Ids of the marks of languages, by ISO 639-1 code (639-3 where there is none).
    """

    def __init__(self, pieces: Sequence[bytes], marks: Mapping[str, int]) -> None:
        """Take the tokens.

        Args:
            pieces: The bytes of each token with text; the ids of single bytes come before all others.
            marks: Ids by name, such as ``<|endoftext|>``; all are above those of tokens with text.

        Raises:
            ModelError: A mark is missing.
        """
        try:
            self.end: Final = marks["<|endoftext|>"]
            self.start: Final = marks["<|startoftranscript|>"]
            self.previous: Final = marks["<|startofprev|>"]
            self.transcribe: Final = marks["<|transcribe|>"]
            self.translate: Final = marks["<|translate|>"]
            self.without_times: Final = marks["<|notimestamps|>"]
        except KeyError as error:
            raise ModelError(f"not a Whisper vocabulary: there is no {error.args[0]}") from error
        found = ((_LANGUAGE.fullmatch(name), token) for name, token in marks.items())
        codes = {match[1]: token for match, token in found if match}
        self.languages: Final = {_ISO_CODES.get(code, code): token for code, token in codes.items()}
        self._codes = {token: code for code, token in self.languages.items()}
        self._pieces = tuple(pieces)
        self._ids = {piece: token for token, piece in enumerate(self._pieces)}

    @classmethod
    def load(cls, path: Path) -> WhisperVocabulary:
        """Read ``tokenizer.json``, the format of Hugging Face's tokenizers.

        Raises:
            ModelError: The file can't be read or is not a byte-level vocabulary with Whisper's marks.
        """
        try:
            content: Any = json.loads(path.read_bytes())
            letters = {letter: byte for byte, letter in enumerate(letters_of_bytes())}
            marks = {str(mark["content"]): int(mark["id"]) for mark in content["added_tokens"]}
            texts = {
                int(token): text for text, token in content["model"]["vocab"].items() if text not in marks
            }
            pieces = [bytes(letters[letter] for letter in texts[token]) for token in range(len(texts))]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(f"{path} is not a byte-level vocabulary: {error!r}") from error
        return cls(pieces, marks)

    def language_of(self, mark: str) -> str:
        """The ISO code of a language that is named by its mark, such as ``<|en|>``."""
        match = _LANGUAGE.fullmatch(mark)
        code = match[1] if match else mark
        return _ISO_CODES.get(code, code)

    def encode(self, text: str) -> tuple[int, ...]:
        """Tokenise a text by byte pair encoding.

        Source: R. Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016. Ids
        are in the order in which pairs were learnt, so the pair that joins to the smallest id goes first.
        """
        return tuple(token for run in _RUNS.findall(text) for token in self._joined(run.encode()))

    def _joined(self, raw: bytes) -> tuple[int, ...]:
        parts = [raw[place : place + 1] for place in range(len(raw))]
        while True:
            pairs = (
                (self._ids[left + right], place)
                for place, (left, right) in enumerate(itertools.pairwise(parts))
                if left + right in self._ids
            )
            _, place = min(pairs, default=(0, -1))
            if place < 0:
                return tuple(self._ids[part] for part in parts)
            parts[place : place + 2] = [parts[place] + parts[place + 1]]

    def words(self, tokens: Sequence[int]) -> tuple[WordTokens, ...]:
        """Split a token sequence into words; each token belongs to exactly one word.

        A word starts at a token with a space, and between two characters of scripts without spaces, so the
        words depend on the tokens alone: a session may count them, whatever language a pass detects. More
        tokens never take a start away. A closing mark belongs to the word before it, also where a space
        separates them, as in French; tokens before the first start belong to the first word.

        Args:
            tokens: Ids of tokens with text.
        """
        pieces = [self._pieces[token] for token in tokens]
        raw = b"".join(pieces)
        starts: list[int] = []
        place = 0
        for index, piece in enumerate(pieces):
            if not starts or _starts_word(raw, place, piece):
                starts.append(index)
            place += len(piece)
        words = []
        for first, end in itertools.pairwise([*starts, len(tokens)]):
            text = "".join(b"".join(pieces[first:end]).decode(errors="ignore").split())
            words.append(WordTokens(text, first, end - first))
        return tuple(words)


def _starts_word(raw: bytes, place: int, piece: bytes) -> bool:
    """Whether a token that is not the first starts a word.

    Args:
        raw: The bytes of all tokens.
        place: Where those of the token begin.
        piece: The bytes of the token; the last id before the marks of multilingual models has none.
    """
    if not piece or piece[0] & 0xC0 == _CONTINUES:
        return False
    if piece == b" " and raw[place + 1 : place + 2] == b" ":  # the last of several spaces starts it
        return False
    letter = raw[place:].lstrip(b" ")[:_LONGEST].decode(errors="ignore")[:1]
    if not letter or _is_closing(letter):
        return False
    before = raw[max(0, place - _LONGEST) : place].decode(errors="ignore")[-1:]
    return piece.startswith(b" ") or (is_unspaced(before) and is_unspaced(letter))


def _is_closing(letter: str) -> bool:
    return unicodedata.category(letter) in _CLOSING and letter not in _NOT_CLOSING


def letters_of_bytes() -> str:
    """The letter that stands for each byte in the files of byte-level vocabularies, in order of the bytes.

    Printable bytes of Latin-1 stand for themselves, the others for the letters from U+0100 on. Source:
    A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, and its published code.
    """
    others = itertools.count(_N_BYTES)
    plain = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
    return "".join(chr(byte if byte in plain else next(others)) for byte in range(_N_BYTES))
